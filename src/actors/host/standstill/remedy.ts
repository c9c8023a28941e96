// What people do about an actor that stands still: release it, stop it, purge it.
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { ActorBody, AnswerBody, InboundMessage } from '../../../contract/wire.ts';
import { answer, notFound } from '../commit/verdicts.ts';
import type { HeldActor } from '../held-actor.ts';
import { migrate } from '../machine-version.ts';
import { sendAnswers } from '../outbox/publish.ts';
import { deliverNow, giveUpUndelivered } from '../outbox/undelivered.ts';
import { applyInputs } from '../run/apply-inputs.ts';
import { completed } from '../settle.ts';
import type { Judgement } from '../sort/inbox.ts';
import type { SessionState } from '../state/session-state.ts';
import { isStandingStill } from './quarantine.ts';

export type RemedyBody = Extract<ActorBody, { kind: 'release' | 'purge' | 'stop' }>;

interface Remedy {
  readonly held: HeldActor;
  readonly message: InboundMessage;
  readonly body: RemedyBody;
  /** Applies what was parked. */
  readonly catchUp: () => Promise<void>;
}

/** A stop needs no remedy where the actor can take it as any other input. */
export function isRemedy(body: ActorBody, { quarantine }: SessionState): body is RemedyBody {
  return (
    body.kind === 'release' || body.kind === 'purge' || (body.kind === 'stop' && quarantine !== undefined)
  );
}

/**
 * The first commit of a stop or purge records it, as the anchor of all that follows (I5). The last one ends it: a purge when
 * there is no state any more, a stop when the actor has ended.
 */
export function isUnfinished(
  { subject }: InboundMessage,
  judgement: Judgement,
  { core, claim }: SessionState,
): boolean {
  if (judgement.kind !== 'recorded' || judgement.disposition.kind !== 'complete') return false;
  if (core === null) return claim !== undefined && (subject === 'purge' || subject === 'stop');
  return subject === 'purge' || (subject === 'stop' && core.status === 'active');
}

/** The message is to be completed afterwards, whatever came of it. */
export async function remedy(todo: Remedy): Promise<void> {
  const { held, message, body } = todo;
  if (held.state.core === null) {
    // Perhaps purged before, by a holder that died before it removed everything; or 4 bytes that an earlier release left.
    if (body.kind === 'purge') await held.forget();
    if (body.kind !== 'stop') await sendAnswers(held, [notFound(message, body.asker, held.address)]);
    return;
  }
  await begin(todo);
  switch (body.kind) {
    case 'stop':
      return stop(todo);
    case 'release':
      return release(todo, body.asker);
    case 'purge':
      await stop(todo);
      await held.purge();
      return say(todo, body.asker, { kind: 'answer', answer: 'purged' });
  }
}

/** Recorded as applied before anything that was parked is: it is the anchor of all that (I5). */
async function begin({ held, message, body }: Remedy): Promise<void> {
  const { state } = held;
  if (state.quarantine === undefined || held.isOutlined) return;
  const { undelivered, ...quarantine } = state.quarantine;
  if (undelivered !== undefined && body.kind === 'release') return deliverNow(held, message);
  if (undelivered !== undefined) giveUpUndelivered(held);
  const { inbox, forgets } = held.recorded([completed(message)]);
  const outbox = undelivered === undefined ? state.outbox : [];
  await held.commit({ ...state, inbox, outbox, quarantine: { ...quarantine, releasing: true } }, forgets);
}

async function release(todo: Remedy, asker: ReplyAddress): Promise<void> {
  const { held } = todo;
  if (!isStandingStill(held.state)) {
    await migrate(held);
    await todo.catchUp();
  }
  const { quarantine: again } = held.state;
  if (again === undefined) return say(todo, asker, { kind: 'answer', answer: 'released' });
  const { code, message } = again;
  await say(todo, asker, { kind: 'answer', answer: 'error', error: { code, message } });
}

/** Tells all that wait for the actor. What was parked has become stale. */
async function stop({ held, message, catchUp }: Remedy): Promise<void> {
  await applyInputs(held, [{ message, input: { kind: 'stop' } }]);
  if (held.isOutlined && held.state.core?.status === 'active')
    await held.leave(new Error('its state is lost, and it could not be stopped now'), 'not stopped');
  await catchUp();
}

function say({ held, message }: Remedy, asker: ReplyAddress, body: AnswerBody): Promise<void> {
  return sendAnswers(held, [answer(message, asker, body)]);
}
