// Work for the hosts while everything around them goes wrong, and what was asked for, to compare the end with.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QuorateClient } from '../src/contract/client.ts';
import type { Random } from '../test/kit/random.ts';
import { type Moved, SPEND_TOKENS } from './agents.ts';

const ACCOUNTS = 10;
const MOST = 100;
const BRANCHES = 20;
const EVERY_MS = 120;
/** As many as may be open: a backlog that grows without end tests nothing more. */
const OPEN = 150;
const START_LIMIT_MS = 5_000;
const MOST_BEFORE_CANCEL_MS = 3_000;
/** Of a run with a budget: enough for half of its branches. */
export const SPENDER_TOKENS = (SPEND_TOKENS * BRANCHES) / 2;

export type Asked =
  | { readonly type: 'transfer'; readonly id: string; readonly input: Moved }
  | { readonly type: 'gather'; readonly id: string; readonly input: { readonly items: readonly number[] } }
  | { readonly type: 'sleeper'; readonly id: string; readonly input: null }
  /** Cancelled after so long. */
  | {
      readonly type: 'vigil';
      readonly id: string;
      readonly input: { readonly items: readonly string[] };
      readonly afterMs: number;
    }
  /** With a budget that is used up before all is done. */
  | {
      readonly type: 'spender';
      readonly id: string;
      readonly input: { readonly items: readonly string[] };
      readonly budget: { readonly tokens: number; readonly onExhausted: 'fail' };
    };

export interface Ended {
  readonly asked: Asked;
  readonly output?: unknown;
  /** When it was known to be cancelled (epoch ms). */
  readonly cancelledAt?: number;
  readonly error?: string;
}

export interface Load {
  readonly asked: number;
  readonly ended: number;
  /** All of them, or those that did not end in time with an error. */
  finish(limitMs: number): Promise<readonly Ended[]>;
}

/** Asks until the signal. */
export function startLoad(client: QuorateClient, random: Random, signal: AbortSignal): Load {
  const all: Promise<Ended>[] = [];
  let ended = 0;
  const over = new AbortController();
  const asking = (async () => {
    while (!signal.aborted) {
      if (all.length - ended < OPEN) {
        const asked = draw(random);
        all.push(
          follow(client, asked, over.signal).then((end) => {
            ended += 1;
            return end;
          }),
        );
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    get asked() {
      return all.length;
    },
    get ended() {
      return ended;
    },
    finish: async (limitMs) => {
      await asking;
      const limit = setTimeout(() => over.abort(), limitMs);
      const ends = await Promise.all(all);
      clearTimeout(limit);
      return ends;
    },
  };
}

function draw(random: Random): Asked {
  const id = randomUUID();
  const kind = random.below(11);
  if (kind < 6) {
    const from = random.below(ACCOUNTS);
    const to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    const amount = 1 + random.below(MOST);
    const input = { id, from: `a${from}`, to: `a${to}`, amount, refuse: random.below(5) === 0 };
    return { type: 'transfer', id, input };
  }
  if (kind === 9) {
    const items = Array.from({ length: BRANCHES }, () => id);
    return { type: 'vigil', id, input: { items }, afterMs: random.below(MOST_BEFORE_CANCEL_MS) };
  }
  if (kind === 10) {
    const items = Array.from({ length: BRANCHES }, () => id);
    return { type: 'spender', id, input: { items }, budget: { tokens: SPENDER_TOKENS, onExhausted: 'fail' } };
  }
  if (kind < 8) {
    const items = Array.from({ length: BRANCHES }, () => random.below(MOST));
    return { type: 'gather', id, input: { items } };
  }
  return { type: 'sleeper', id, input: null };
}

/** Starts and results are safe to ask for again: whatever fails meanwhile is. */
async function follow(client: QuorateClient, asked: Asked, over: AbortSignal): Promise<Ended> {
  const { type, id, input } = asked;
  let last = 'not asked';
  const insist = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
    while (!over.aborted) {
      try {
        return await ask();
      } catch (error) {
        last =
          error instanceof Error ? `${(error as { code?: string }).code}: ${error.message}` : String(error);
        await sleep(200, undefined, { signal: over }).catch(() => undefined);
      }
    }
    return undefined;
  };
  const budget = asked.type === 'spender' ? { budget: asked.budget } : {};
  await insist(() =>
    client.start(type, { id, input, ...budget, timeoutMs: START_LIMIT_MS, signal: over } as never),
  );
  if (asked.type === 'vigil') {
    await sleep(asked.afterMs, undefined, { signal: over }).catch(() => undefined);
    const cancelled = await insist(() =>
      client.cancel(type, id, { timeoutMs: START_LIMIT_MS, signal: over }),
    );
    return cancelled === undefined ? { asked, error: last } : { asked, cancelledAt: Date.now() };
  }
  const output = await insist(() => client.result(type, id, { timeoutMs: START_LIMIT_MS * 4, signal: over }));
  return output === undefined ? { asked, error: last } : { asked, output };
}
