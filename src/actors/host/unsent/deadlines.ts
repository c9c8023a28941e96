// Work that a gate holds back has no deadline until it leaves. Then its own begins, and that of its asker with it: a fan-out's when the
// last of it has left. Pure.
import type { ActorAddress } from '../../../contract/address.ts';
import { recordOf } from '../../../contract/scatter.ts';
import type { CoreState } from '../../../contract/turn.ts';
import { PROPERTY, type TaskBody, type WireMessage } from '../../../contract/wire.ts';
import { taskMessageId } from '../../protocol/ids.ts';
import type { OutboxEntry, UnsentEntry } from '../state/session-state.ts';
import { ownTimer } from './own-timer.ts';

/** After so long the message of a timer counts as set aside, as in core/timers.ts. */
const OVERDUE_MS = 60_000;

/**
 * How long the work was to take from when it was asked for. Undefined for a gather whose policy ends after a time: that time is of the
 * gather, whether its branches have left or not.
 */
export function deadlineMsOf(core: CoreState | null, id: string, deadlineAt: number): number | undefined {
  const execution = core?.executions[id];
  const ends = execution?.kind === 'scatter' && recordOf(execution.gather.policy).afterMs !== undefined;
  return ends ? undefined : deadlineAt - (execution?.startedAt ?? deadlineAt);
}

export function withoutDeadline(core: CoreState, id: string): CoreState {
  const execution = core.executions[id];
  if (execution?.deadlineAt === undefined) return core;
  const { deadlineAt: _, ...open } = execution;
  return { ...core, executions: { ...core.executions, [id]: open } };
}

/**
 * When the last of what has left for this execution is over, if nobody waits for it any more (epoch ms). Undefined where nothing of it
 * has ever left. `unsent` is what the state has before the turn that lets go of it: no slice of such work leaves with that turn.
 */
export function endOfLeft(
  execution: string,
  deadlineAt: number | undefined,
  unsent: readonly UnsentEntry[],
  now: number,
): number | undefined {
  const waiting = unsent.filter((entry) => entry.execution === execution);
  if (waiting.some(isWhole)) return undefined;
  return (
    deadlineAt ?? waiting.reduce((latest, { deadlineMs = 0 }) => Math.max(latest, now + deadlineMs), now)
  );
}

/** Nothing of it was sent before: no branch, and no earlier attempt at the task. */
function isWhole(work: UnsentEntry): boolean {
  if (work.kind === 'scatter') return work.cursor === 0;
  const { key } = work.message.body as unknown as TaskBody;
  return work.message.messageId === taskMessageId(key, 1);
}

interface Watched {
  readonly core: CoreState;
  readonly entries: readonly OutboxEntry[];
}

/** With a timer, unless one that is set looks at it in time: each looks at all deadlines. */
export function withDeadline(
  core: CoreState,
  id: string,
  deadlineAt: number,
  { actor, now }: { readonly actor: ActorAddress; readonly now: number },
): Watched {
  const execution = core.executions[id];
  if (execution === undefined) return { core, entries: [] };
  const dated = { ...core, executions: { ...core.executions, [id]: { ...execution, deadlineAt } } };
  const isWatched = Object.values(core.timers).some(
    ({ what, dueAt }) => what.kind === 'deadlines' && dueAt <= deadlineAt && now - dueAt < OVERDUE_MS,
  );
  if (isWatched) return { core: dated, entries: [] };
  const timer = `left#${id}`;
  const dueAt = Math.ceil(deadlineAt);
  const timers = { ...core.timers, [timer]: { dueAt, what: { kind: 'deadlines' as const } } };
  const message = ownTimer(actor, core.incarnation, timer, dueAt);
  return { core: { ...dated, timers }, entries: [{ kind: 'message', message, timer }] };
}

/** A task as it leaves. */
export function leavingWith(deadlineAt: number, message: WireMessage): WireMessage {
  return {
    ...message,
    properties: { ...message.properties, [PROPERTY.deadline]: deadlineAt },
    body: { ...(message.body as object), deadlineAt },
  };
}
