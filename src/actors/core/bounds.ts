// Bounds of a run, as far as they are left to one actor: how deep its children may go, how many tasks it may ask for, until when, and
// for how long nothing may come. An actor that goes beyond one of them ends in error in that turn, and with it all that it has open.
// What a child may ask for is taken from its parent when it starts, so that no child can open more than was there; what it did not ask
// for comes back with its end.
import type { Bounds } from '../../contract/bounds.ts';
import type { Effect } from '../../contract/effect.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Draft } from './draft.ts';
import { finish } from './end.ts';
import { setTimer } from './timers.ts';

/** Sets what watches over a run that has just started. */
export function beginBounds(draft: Draft): void {
  const { deadlineAt } = boundsOf(draft) ?? {};
  if (draft.life?.status !== 'active' || deadlineAt === undefined) return;
  setTimer(draft, deadlineAt - draft.now, () => ({ kind: 'bound', of: 'deadline' }));
}

/** Takes tasks that were just asked for from what is left. There are fewer: the actor ends, and nothing of this turn leaves. */
export function takeTasks(draft: Draft, count: number): void {
  const bounds = boundsOf(draft);
  if (bounds === undefined || count === 0) return;
  const { tasks } = bounds;
  if (tasks !== undefined && tasks < count) {
    const message = `${count} more tasks, and ${tasks} of the \`maxTasks\` of its run are left to it`;
    return end(draft, { code: 'TOO_MANY_TASKS', message, data: { asked: count, left: tasks } });
  }
  if (tasks !== undefined) keep(draft, { ...bounds, tasks: tasks - count });
  watchProgress(draft);
}

/** Goes a level down. False: no deeper level is allowed, and the actor has ended. */
export function takeLevel(draft: Draft): boolean {
  if (boundsOf(draft)?.depth !== 0) return true;
  end(draft, {
    code: 'TOO_DEEP',
    message: 'a child, and no level is left to it of the `maxDepth` of its run',
  });
  return false;
}

/** What the children that start in this turn are left: equal shares of the tasks, of which one stays here. */
export function shareBounds(draft: Draft): void {
  const bounds = boundsOf(draft);
  if (bounds !== undefined) draft.change((effects) => shared(draft, bounds, effects));
}

function shared(draft: Draft, bounds: Bounds, effects: readonly Effect[]): readonly Effect[] {
  const children = effects.filter(({ kind }) => kind === 'startChild').length;
  if (children === 0) return effects;
  const { depth, tasks, noProgressMs } = bounds;
  const share = tasks === undefined ? undefined : Math.floor(tasks / (children + 1));
  if (tasks !== undefined && share !== undefined) keep(draft, { ...bounds, tasks: tasks - children * share });
  const own: Bounds = {
    ...(depth === undefined ? {} : { depth: depth - 1 }),
    ...(share === undefined ? {} : { tasks: share }),
    ...(noProgressMs === undefined ? {} : { noProgressMs }),
  };
  return effects.map((effect) => (effect.kind === 'startChild' ? { ...effect, bounds: own } : effect));
}

/** At the end of a child. */
export function giveBack(draft: Draft, tasksLeft: number | undefined): void {
  const bounds = boundsOf(draft);
  if (bounds?.tasks === undefined || tasksLeft === undefined) return;
  keep(draft, { ...bounds, tasks: bounds.tasks + tasksLeft });
}

/** Something came from outside. */
export function noteProgress(draft: Draft): void {
  const bounds = boundsOf(draft);
  if (bounds?.noProgressMs === undefined) return;
  keep(draft, { ...bounds, progressAt: draft.now });
}

/** A timer of these bounds has fired. */
export function lookAtBound(draft: Draft, of: 'deadline' | 'progress'): void {
  const bounds = boundsOf(draft);
  if (bounds === undefined) return;
  if (of === 'deadline')
    return end(draft, { code: 'RUN_DEADLINE', message: 'the `deadlineMs` of its run is over' });
  const { noProgressMs = 0, progressAt = 0 } = bounds;
  if (openWork(draft) === 0) return;
  const quiet = draft.now - progressAt;
  if (quiet < noProgressMs) return setProgressTimer(draft, noProgressMs - quiet);
  const message = `nothing came for ${quiet} ms while it waits for tasks; its run allows ${noProgressMs}`;
  end(draft, { code: 'RUN_STALLED', message });
}

function boundsOf({ life }: Draft): Bounds | undefined {
  return life?.bounds;
}

function keep(draft: Draft, bounds: Bounds): void {
  if (draft.life !== undefined) draft.life = { ...draft.life, bounds };
}

function end(draft: Draft, error: ErrorJson): void {
  finish(draft, 'error', { error });
}

/** Children watch over themselves. */
function openWork(draft: Draft): number {
  return [...draft.executions.entries()].filter(([, { kind }]) => kind !== 'child').length;
}

/** From when work is open, for as long as it is. */
function watchProgress(draft: Draft): void {
  const { noProgressMs } = boundsOf(draft) ?? {};
  if (noProgressMs === undefined) return;
  // Until now nothing was waited for.
  if (openWork(draft) === 1) noteProgress(draft);
  const isWatched = [...draft.timers.entries()].some(
    ([, { what }]) => what.kind === 'bound' && what.of === 'progress',
  );
  if (!isWatched) setProgressTimer(draft, noProgressMs);
}

function setProgressTimer(draft: Draft, ms: number): void {
  setTimer(draft, ms, () => ({ kind: 'bound', of: 'progress' }));
}
