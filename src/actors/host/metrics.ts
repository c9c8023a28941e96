// What a host measures of one machine type, in the registry of its process: plain numbers, added up after a commit.

import { answeredIn } from '../../contract/scatter.ts';
import type { CoreState, GatherReport, TurnInput, Verdict } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { Counter, Histogram, Registry } from '../../observability/metrics/registry.ts';
import type { SessionState } from './state/session-state.ts';

export interface HostMetrics {
  readonly turnWait: Histogram;
  readonly turnDuration: Histogram;
  readonly commitDuration: Histogram;
  readonly stateBytes: Histogram;
  readonly outboxSize: Histogram;
  readonly timerLateness: Histogram;
  readonly started: Counter;
  readonly quarantines: Counter;
  readonly actorDuration: (status: string) => Histogram;
  readonly gatherDuration: (outcome: string) => Histogram;
  readonly branches: (outcome: 'ok' | 'failed' | 'missing' | 'late') => Counter;
  readonly budgetEvents: (event: 'low' | 'parked' | 'resumed') => Counter;
}

export function hostMetrics(registry: Registry, type: string): HostMetrics {
  return {
    turnWait: registry.histogram('quorate.turn.wait', type),
    turnDuration: registry.histogram('quorate.turn.duration', type),
    commitDuration: registry.histogram('quorate.commit.duration', type),
    stateBytes: registry.histogram('quorate.state.bytes', type),
    outboxSize: registry.histogram('quorate.outbox.size', type),
    timerLateness: registry.histogram('quorate.timer.lateness', type),
    started: registry.counter('quorate.actors.started', type),
    quarantines: registry.counter('quorate.actors.quarantines', type),
    actorDuration: (status) => registry.histogram('quorate.actor.duration', type, status),
    gatherDuration: (outcome) => registry.histogram('quorate.gather.duration', type, outcome),
    branches: (outcome) => registry.counter('quorate.gather.branches', type, outcome),
    budgetEvents: (event) => registry.counter('quorate.budget.events', type, event),
  };
}

/** Epoch ms by the broker's clock. */
export function measureWaits(
  { turnWait }: HostMetrics,
  received: readonly { readonly message: Pick<InboundMessage, 'enqueuedAt'> }[],
  begunAt: number,
): void {
  for (const { message } of received) turnWait.record((begunAt - message.enqueuedAt) / 1_000);
}

/** A commit of whatever kind: from one state to the next. `ms`: what the write took. */
export function measureCommit(
  metrics: HostMetrics,
  before: SessionState,
  after: SessionState,
  { ms, bytes }: { readonly ms: number; readonly bytes: number },
): void {
  metrics.commitDuration.record(ms / 1_000);
  metrics.stateBytes.record(bytes);
  metrics.outboxSize.record(after.outbox.length);
  const [was, is] = [before.control?.budget, after.control?.budget];
  if (was === undefined && is === undefined) return;
  if (is?.isLow === true && was?.isLow !== true) metrics.budgetEvents('low').add();
  if (is?.since !== undefined && was?.since === undefined) metrics.budgetEvents('parked').add();
  if (is?.since === undefined && was?.since !== undefined) metrics.budgetEvents('resumed').add();
}

interface CommittedTurns {
  readonly before: CoreState | null;
  readonly after: CoreState | null;
  readonly inputs: readonly TurnInput[];
  readonly verdicts: readonly Verdict[];
  readonly gathers: readonly GatherReport[];
  /** Epoch ms. */
  readonly now: number;
}

/** What turns came to, once they are committed. */
export function measureTurns(metrics: HostMetrics, turns: CommittedTurns): void {
  const { before, after, inputs, verdicts, gathers, now } = turns;
  for (let at = 0; at < verdicts.length; at++) {
    const input = inputs[at];
    const verdict = verdicts[at];
    if (input?.kind === 'timer' && verdict?.kind === 'applied') {
      const dueAt = before?.timers[input.token]?.dueAt;
      if (dueAt !== undefined) metrics.timerLateness.record((now - dueAt) / 1_000);
    } else if (input?.kind === 'reply' && input.branch !== undefined && verdict?.kind === 'stale')
      metrics.branches('late').add();
  }
  for (const { outcome, gather } of gathers) {
    metrics.gatherDuration(outcome).record((now - gather.startedAt) / 1_000);
    metrics.branches('ok').add(gather.ok);
    metrics.branches('failed').add(gather.failed);
    metrics.branches('missing').add(gather.total - answeredIn(gather));
  }
  if (after === null) return;
  if (before?.incarnation !== after.incarnation) metrics.started.add();
  if (after.status !== 'active' && (before === null || before.status === 'active'))
    metrics.actorDuration(after.status).record(((after.endedAt ?? now) - after.startedAt) / 1_000);
}
