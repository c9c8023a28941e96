// The agents under chaos. Each effect is a line in a ledger file of its process, appended in one write, with the task's
// idempotency key: a line that comes twice under one key is the same effect.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentContext, SagaTask } from 'quorate';
import type { Transfer } from './work.machine.ts';

export type Effect = 'debit' | 'credit' | 'refund';

export interface LedgerLine {
  readonly effect: Effect;
  readonly key: string;
  readonly transfer: string;
  readonly account: string;
  readonly amount: number;
}

export type Moved = Transfer & { readonly id: string };
type Task = SagaTask<Moved>;

const folder = process.env['QUORATE_CHAOS_LEDGER'] ?? '.';

function book(effect: Effect, { input }: Task, { key }: AgentContext): null {
  const account = effect === 'credit' ? input.to : input.from;
  const amount = effect === 'debit' ? -input.amount : input.amount;
  const line: LedgerLine = { effect, key, transfer: input.id, account, amount };
  appendFileSync(join(folder, `ledger-${process.pid}.jsonl`), `${JSON.stringify(line)}\n`);
  return null;
}

export const debit = { run: (task: Task, context: AgentContext) => book('debit', task, context) };
export const refund = { run: (task: Task, context: AgentContext) => book('refund', task, context) };
export const credit = {
  run: (task: Task, context: AgentContext) => {
    if (task.input.refuse)
      throw Object.assign(new Error('the account does not take it'), { code: 'REFUSED', retryable: false });
    return book('credit', task, context);
  },
};
export const square = { run: ({ item }: { readonly item: number }) => ({ counts: { sum: item * item } }) };

/** Of a task that ends only when nobody waits any more: when it was begun, and whether it was ever told (epoch ms). */
export interface WatchLine {
  readonly vigil: string;
  readonly begunAt: number;
  readonly toldAt?: number;
}

const watchFile = join(folder, `watch-${process.pid}.jsonl`);

export const watch = {
  run: ({ item }: { readonly item: string }, { signal }: AgentContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      const begunAt = Date.now();
      const say = (line: WatchLine): void => appendFileSync(watchFile, `${JSON.stringify(line)}\n`);
      say({ vigil: item, begunAt });
      signal.addEventListener('abort', () => {
        say({ vigil: item, begunAt, toldAt: Date.now() });
        reject(signal.reason as Error);
      });
    }),
};

/** An attempt that was begun, and so paid for. */
export interface SpendLine {
  readonly run: string;
  readonly key: string;
  readonly attempt: number;
}

export const SPEND_TOKENS = 100;

export const spend = {
  estimate: () => ({ tokens: SPEND_TOKENS }),
  run: ({ item: run }: { readonly item: string }, { key, attempt, usage }: AgentContext) => {
    const line: SpendLine = { run, key, attempt };
    appendFileSync(join(folder, `spend-${process.pid}.jsonl`), `${JSON.stringify(line)}\n`);
    usage({ inputTokens: SPEND_TOKENS });
    return { counts: { spent: SPEND_TOKENS } };
  },
};
