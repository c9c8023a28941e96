// Publishes what was committed: after the commit, before anything is settled (I2). And the answers that belong to no commit.
import type { Json } from '../../../contract/json.ts';
import { lifeFolder } from '../../protocol/claims.ts';
import type { HeldActor } from '../held-actor.ts';
import type { OutboxEntry, SessionState } from '../state/session-state.ts';
import { actorSpan } from '../trace.ts';
import { type Carried, publishOutbox } from './outbox.ts';

/** Answers and the like: nothing that the state holds. What their target refuses is said, and not sent. */
export async function publish(held: HeldActor, entries: readonly OutboxEntry[]): Promise<void> {
  const { refusal } = await carryOut(held, entries);
  if (refusal !== undefined) held.warn('an answer was not sent', refusal);
}

/** `unfinished` = times that a holder was gone before the outbox had left. */
export async function carryOut(
  held: HeldActor,
  entries: readonly OutboxEntry[],
  unfinished = 0,
): Promise<Carried> {
  if (entries.length === 0) return NOTHING;
  const { host, address: actor, state, session } = held;
  const incarnation = state.core?.incarnation ?? '';
  const life = lifeFolder(host.payloads.scope, actor, incarnation);
  let carried: Carried;
  try {
    carried = await publishOutbox(entries, {
      ...host,
      session,
      actor,
      incarnation,
      life,
      family: state.family ?? life,
      ...(state.lineage === undefined ? {} : { lineage: state.lineage }),
      span: actorSpan(state.traceparent, actor, incarnation),
      // What belongs to no commit, answers to questions, is never too late.
      mayBegin: () =>
        entries !== state.outbox || host.clock.now() - held.seenAt <= host.duplicateWindowMs / 2,
      advance: (entry, cursor) => held.commit(withCursor(held.state, entry.execution, cursor)),
      beginActions: (actions) =>
        host.actions.begin(actions, {
          actor,
          machine: host.machine,
          incarnation,
          life,
          turn: state.core?.turn ?? 0,
          context: contextOf(state),
          traceparent: state.traceparent,
          unfinished,
        }),
    });
  } catch (error) {
    return held.leave(error, 'not published yet');
  }
  held.noteScheduled(carried.scheduled);
  if (entries.some(({ kind }) => kind === 'cancel')) held.settler.waitFor(carried.takenBack);
  return carried;
}

const NOTHING: Carried = { scheduled: {}, takenBack: Promise.resolve(), left: [] };

function withCursor(state: SessionState, execution: string, cursor: number): SessionState {
  const outbox = state.outbox.map((entry) =>
    entry.kind === 'scatter' && entry.execution === execution ? { ...entry, cursor } : entry,
  );
  return { ...state, outbox };
}

/** As committed: what the named actions of the commit see. */
function contextOf({ core }: SessionState): Json {
  const snapshot = core?.snapshot as { readonly context?: Json } | undefined;
  return snapshot?.context ?? null;
}
