// What processes and admission say to each other. Waits are durations, reckoned by the broker's clock alone.
import type { ReplyAddress } from '../../contract/effect.ts';
import { type EventJson, isJsonObject, type Json } from '../../contract/json.ts';

/** The name of the one that there is. */
export const ADMISSION = 'all';

/** From a process with agents: the least that a task of each waited in its queue since it said so last. Harmless to repeat. */
export interface Waits {
  readonly type: 'waits';
  readonly least: Readonly<Record<string, number>>;
  /** As the process is configured. */
  readonly maxWaitMs: number;
  readonly intervalMs: number;
}

/** From a process with actors: may new runs start? */
export interface Ask {
  readonly type: 'ask';
  readonly from: ReplyAddress;
}

export type Verdict =
  | { readonly over: false }
  | {
      readonly over: true;
      /** Whose queue it is, and how long the task of it that waited least has waited. */
      readonly agent: string;
      readonly waitMs: number;
      readonly retryAfterMs: number;
    };

/** Undefined for what no process of ours has sent. */
export function readWaits(event: EventJson): Waits | undefined {
  const { type, least, maxWaitMs, intervalMs } = event as unknown as Partial<Waits>;
  const isWaits =
    type === 'waits' &&
    isPositive(maxWaitMs) &&
    isPositive(intervalMs) &&
    isJsonObject(least) &&
    Object.keys(least).length <= MAX_REPORTED &&
    Object.entries(least).every(([agent, wait]) => agent.length <= LONGEST && isNumber(wait));
  return isWaits ? (event as unknown as Waits) : undefined;
}

export function readAsk(event: EventJson): Ask | undefined {
  const { type, from } = event as unknown as Partial<Ask>;
  return type === 'ask' && isAddress(from) ? (event as unknown as Ask) : undefined;
}

export function readVerdict(value: Json): Verdict | undefined {
  if (!isJsonObject(value)) return undefined;
  const { over, agent, waitMs, retryAfterMs } = value;
  if (over === false) return { over };
  return over === true && typeof agent === 'string' && isNumber(waitMs) && isNumber(retryAfterMs)
    ? { over, agent, waitMs, retryAfterMs }
    : undefined;
}

const LONGEST = 128;
const MAX_REPORTED = 512;

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isPositive(value: unknown): value is number {
  return isNumber(value) && value > 0;
}

/** An answer that no queue takes would hold the actor up for ever; only processes ask. */
function isAddress(value: unknown): value is ReplyAddress {
  if (!isJsonObject(value)) return false;
  const { entity, sessionId, correlationId } = value;
  return (
    entity === 'replies' &&
    [sessionId, correlationId].every((text) => typeof text === 'string' && text.length <= LONGEST) &&
    sessionId !== ''
  );
}
