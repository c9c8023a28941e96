// What people order of a limit while it runs: other settings, a stop; and how it is.
import type { Reduced } from '../../contract/control.ts';
import type { Json } from '../../contract/json.ts';
import type { LimitStatus } from '../../contract/limits.ts';
import { isRepeat, remembered } from '../repeats.ts';
import type { Order, Push } from './protocol.ts';
import { type LimitState, revised, stopOf, toJson } from './state.ts';

/** What people order: other settings, a stop. Repeats are known by their id. */
export function obey(state: LimitState, { id, from, settings, stop }: Order): Reduced<LimitState> {
  const isNew = !isRepeat(state.obeyed, id) && (settings !== undefined || stop !== undefined);
  const next = isNew
    ? applied({ ...state, obeyed: remembered(state.obeyed, id) }, { settings, stop })
    : state;
  const told = isNew ? Object.values(next.processes) : [];
  const push: Push = { push: true, ...stopOf(next), again: true };
  return {
    state: next,
    answers: [
      { to: from, value: viewOf(next) as unknown as Json },
      ...told.map(({ to }) => ({ to, value: toJson(push) })),
    ],
  };
}

function applied(
  state: LimitState,
  { settings, stop }: { readonly settings: Order['settings']; readonly stop: Order['stop'] },
): LimitState {
  const next = stop === undefined ? state : { ...state, isStopped: stop };
  if (settings === undefined) return next;
  const ordered = {
    settings: { ...state.ordered?.settings, ...settings },
    revision: Math.max(0, state.revision) + 1,
  };
  return revised(next, { ordered });
}

function viewOf(state: LimitState): LimitStatus {
  const { settings, revision, isStopped, adaptive, breaker, processes } = state;
  const stop = stopOf(state);
  return {
    settings,
    revision,
    stopped: isStopped === true,
    pausedMs: stop.pausedMs,
    breaker: breaker.open === undefined ? 'closed' : stop.pausedMs > 0 ? 'open' : 'probing',
    used: adaptive.factor,
    processes: Object.keys(processes).length,
  };
}
