// An actor as a tool shows it, and one that is followed: told of its steps until it ends, asks somebody, or the time is over.
import { limitSignal } from '../../common/signals.ts';
import type { OpenAsk } from '../../contract/asks.ts';
import type { QuorateClient } from '../../contract/client.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { GatherProgress, QueryAnswer } from '../../contract/wire.ts';

export type Served = Pick<QuorateClient, 'start' | 'send' | 'query' | 'watch' | 'cancel' | 'asks' | 'answer'>;

export interface Address {
  readonly type: string;
  readonly id: string;
}

/** Clients give up what says nothing for a minute. */
const BEAT_MS = 15_000;

export interface Following {
  readonly signal: AbortSignal;
  readonly waitMs: number;
  readonly tell: (message: string) => void;
}

/** Returns when the actor has ended or asks, or the time is over. Throws ACTOR_NOT_FOUND. */
export async function follow(
  client: Served,
  { type, id }: Address,
  { signal, waitMs, tell }: Following,
): Promise<void> {
  const { signal: over, release } = limitSignal({ sources: [signal], timeoutMs: waitMs });
  let last = '';
  const beat = setInterval(() => tell(last), BEAT_MS);
  try {
    for await (const { value, status, gathers = [], asks = [] } of client.watch(type, id, {
      progress: true,
      signal: over,
    })) {
      if (status !== 'active' || asks.length > 0) return;
      const next = describe(value as Json, gathers);
      if (next !== last) tell(next);
      last = next;
    }
  } catch (thrown) {
    if (!over.aborted) throw thrown;
    signal.throwIfAborted();
  } finally {
    clearInterval(beat);
    release();
  }
}

/** `reviewing: 12 of 30`. */
function describe(value: Json, gathers: readonly GatherProgress[]): string {
  const counts = gathers.map(({ answered, total }) => `${answered} of ${total}`).join(', ');
  const state = typeof value === 'string' ? value : JSON.stringify(value);
  return counts === '' ? state : `${state}: ${counts}`;
}

export async function lookAt(
  client: Served,
  { type, id }: Address,
  signal: AbortSignal,
  withContext = false,
): Promise<{
  readonly shown: JsonObject;
  readonly asks: readonly OpenAsk[];
}> {
  const { status, value, output, error, gathers, asks, context, quarantine } = (await client.query(type, id, {
    signal,
  })) as QueryAnswer;
  const open = asks?.open ?? [];
  const shown = {
    type,
    id,
    status,
    state: value,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(quarantine === undefined ? {} : { quarantine }),
    ...(gathers.length === 0
      ? {}
      : { gathers: gathers.map(({ childId, answered, total }) => ({ id: childId, answered, total })) }),
    ...(open.length === 0 ? {} : { questions: open.map(showAsk) }),
    ...(withContext ? { context } : {}),
  };
  return { shown: shown as unknown as JsonObject, asks: open };
}

export function showAsk({ id, question, choices, schema, openedAt, deadlineAt }: OpenAsk): JsonObject {
  return {
    id,
    question,
    ...(choices === undefined ? {} : { choices }),
    ...(schema === undefined ? {} : { schema }),
    openedAt: new Date(openedAt).toISOString(),
    ...(deadlineAt === undefined ? {} : { deadlineAt: new Date(deadlineAt).toISOString() }),
  };
}
