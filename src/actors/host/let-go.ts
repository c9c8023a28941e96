// What an actor no longer waits for although it was never answered: retries of such work are taken back from the broker.
import type { ResultStore } from '../../contract/payload.ts';
import type { Bridge } from '../../contract/ports.ts';
import type { CoreState, TurnInput, TurnResult } from '../../contract/turn.ts';
import { inLife } from '../protocol/lives.ts';
import { retriesOfClosed } from '../protocol/retries.ts';
import { cancelAtOnce } from './scheduled.ts';
import type { OutboxEntry } from './session-state.ts';

type CancelEntry = OutboxEntry & { kind: 'cancel' };

/** Closed by anything but its answers. No retry is scheduled beyond a deadline, so one that is over leaves nothing. */
export function letGo(
  before: CoreState | null,
  { state: after, gathers }: Pick<TurnResult, 'state' | 'gathers'>,
  items: readonly { readonly input: TurnInput }[],
  { entity, now }: { readonly entity: string; readonly now: number },
): OutboxEntry[] {
  if (before === null || after === null) return [];
  const answered = new Set(
    items.flatMap(({ input }) =>
      input.kind === 'reply' && input.branch === undefined ? [input.execution] : [],
    ),
  );
  const complete = new Set(
    gathers.flatMap(({ execution, gather }) =>
      gather.ok + gather.failed >= gather.total ? [execution] : [],
    ),
  );
  return Object.entries(before.executions).flatMap(([execution, { kind, deadlineAt }]): OutboxEntry[] => {
    if (kind === 'child' || Object.hasOwn(after.executions, execution)) return [];
    const isOver = deadlineAt !== undefined && deadlineAt <= now;
    if (isOver || answered.has(execution) || complete.has(execution)) return [];
    return [{ kind: 'cancel', entity, execution }];
  });
}

export interface LetGoContext {
  readonly incarnation: string;
  readonly family: string;
  readonly results: ResultStore;
  readonly bridge: Pick<Bridge, 'cancelScheduled'>;
  readonly clock: { now(): number };
}

/** Rejects when the store or the broker did not answer. Of an execution's retries no more are left than its branches. */
export async function takeRetriesBack(
  entries: readonly CancelEntry[],
  { incarnation, family, results, bridge, clock }: LetGoContext,
): Promise<void> {
  for (const { execution } of entries) {
    if (execution === undefined) continue;
    const closed = { family, execution: inLife(execution, incarnation) };
    const byEntity = Map.groupBy(await retriesOfClosed(results, closed, clock.now()), ({ entity }) => entity);
    for (const [entity, retries] of byEntity)
      await cancelAtOnce(
        entity,
        retries.map(({ sequenceNumber }) => sequenceNumber),
        { bridge },
      );
  }
}
