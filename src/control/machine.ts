// Makes a machine of a pure reducer: the shell around each algorithm of control. It runs as every machine does, in a worker, its
// state committed with what it answers, so a decision about a shared amount survives every crash (I2).
import { type AnyStateMachine, assign, enqueueActions, setup } from 'xstate';
import { ANSWER_ACTION, NOTIFY_ACTION, type Reducer } from '../contract/control.ts';
import type { Json } from '../contract/json.ts';

interface Context<S> {
  readonly state: S | null;
  readonly wakeAt: number | null;
}

/** The event that a reducer gets at its `wakeAt`. */
const WAKE = 'wake';

/** The state must be JSON. */
export function controlMachine<S extends object>(id: string, reduce: Reducer<S>): AnyStateMachine {
  return setup({
    // Carried out by the core (actors/core/actions.ts), never run.
    actions: {
      [ANSWER_ACTION]: (_given, _answer: Json) => {},
      [NOTIFY_ACTION]: (_given, _notice: Json) => {},
    },
  }).createMachine({
    id,
    context: { state: null, wakeAt: null },
    on: {
      '*': {
        actions: enqueueActions(({ context, event, enqueue }) => {
          // Inside a turn this is the turn's own time (I6).
          const now = Date.now();
          const known = context as Context<S>;
          const { state, answers, notices = [], wakeAt } = reduce(known.state ?? undefined, event, now);
          for (const { to, value } of answers)
            enqueue({ type: ANSWER_ACTION, params: { to: { ...to }, value } });
          for (const { agent, input } of notices) enqueue({ type: NOTIFY_ACTION, params: { agent, input } });
          const waits = event.type === WAKE ? null : known.wakeAt;
          const next = wakeAt ?? null;
          if (next !== waits) {
            if (waits !== null) enqueue.cancel(WAKE);
            if (next !== null)
              enqueue.raise({ type: WAKE }, { id: WAKE, delay: Math.max(0, Math.ceil(next - now)) });
          }
          enqueue(assign({ state, wakeAt: next }) as never);
        }),
      },
    },
  });
}
