// Carries entries out for the actor that is held: an outbox that was committed, or answers that belong to no commit.
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Json } from '../../../contract/json.ts';
import { behalfOf } from '../../protocol/behalf.ts';
import { lifeFolder } from '../../protocol/claims.ts';
import type { HeldActor } from '../held-actor.ts';
import type { OutboxEntry, SessionState } from '../state/session-state.ts';
import { actorSpan, actorTraceparent } from '../trace.ts';
import { type Carried, publishOutbox } from './outbox.ts';

export interface CarryOptions {
  /** Whether they are the outbox of the last commit. Other entries, answers to questions, are never too late (I2). */
  readonly committed: boolean;
  /** How often a holder died before the outbox had left. */
  readonly unfinished?: number;
}

export async function carryOut(
  held: HeldActor,
  entries: readonly OutboxEntry[],
  { committed, unfinished = 0 }: CarryOptions,
): Promise<Carried> {
  if (entries.length === 0) return NOTHING;
  const { host, address: actor, state, session } = held;
  const incarnation = state.core?.incarnation ?? '';
  const life = lifeFolder(host.payloads.scope, actor, incarnation);
  let carried: Carried;
  try {
    const publish = () =>
      publishOutbox(entries, {
        ...host,
        session,
        actor,
        incarnation,
        life,
        family: state.family ?? life,
        ...(state.lineage === undefined ? {} : { lineage: state.lineage }),
        span: actorSpan(state, actor, incarnation),
        mayBegin: () => !committed || host.clock.now() - held.seenAt <= host.duplicateWindowMs / 2,
        behalf: behalfOf(state.control ?? {}),
        unsent: state.control?.unsent ?? [],
        memo: held.itemsMemo,
        beginActions: (actions) =>
          host.actions.begin(actions, {
            actor,
            machine: host.machine,
            incarnation,
            life,
            turn: state.core?.turn ?? 0,
            context: contextOf(state),
            traceparent: actorTraceparent(state, actor, incarnation),
            unfinished,
          }),
      });
    // Of an actor that is over nothing is sent within its time.
    const isOver = held.trace?.overAt !== undefined;
    carried = await (isOver ? context.with(ROOT_CONTEXT, publish) : publish());
  } catch (error) {
    return held.leave(error, 'not published yet');
  }
  held.noteScheduled(carried.scheduled);
  if (entries.some(({ kind }) => kind === 'cancel')) held.settler.waitFor(carried.takenBack);
  return carried;
}

const NOTHING: Carried = { scheduled: {}, takenBack: Promise.resolve(), left: [] };

/** As committed: what the named actions of the commit see. */
function contextOf({ core }: SessionState): Json {
  const snapshot = core?.snapshot as { readonly context?: Json } | undefined;
  return snapshot?.context ?? null;
}
