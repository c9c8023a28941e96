// What is measured of the tasks of one agent, in the registry of the process.
import type { InboundMessage } from '../../../contract/wire.ts';
import type { Registry } from '../../../observability/metrics/registry.ts';

/** What an attempt came to, as far as it is measured. */
type Ended =
  | { readonly kind: 'done'; readonly late?: true }
  | { readonly kind: 'failed'; readonly error: { readonly code: string } }
  | { readonly kind: 'cancelled' };

export interface TaskMetrics {
  /** A task was handed out. `now`: epoch ms by the broker's clock. */
  took(message: Pick<InboundMessage, 'enqueuedAt' | 'deliveredAt'>, now: number): void;
  /** An attempt has ended, after so many ms. */
  ended(attempt: Ended, ms: number): void;
}

export function taskMetrics(registry: Registry, agent: string): TaskMetrics {
  const wait = registry.histogram('quorate.task.wait', agent);
  return {
    took: ({ enqueuedAt, deliveredAt }, now) => wait.record(((deliveredAt ?? now) - enqueuedAt) / 1_000),
    ended: (attempt, ms) => {
      const outcome = attempt.kind === 'done' && attempt.late === true ? 'late' : attempt.kind;
      const code = attempt.kind === 'failed' ? registry.code(attempt.error.code) : '';
      registry.histogram('quorate.task.duration', agent, outcome).record(ms / 1_000);
      registry.counter('quorate.task.attempts', agent, outcome, code).add();
    },
  };
}
