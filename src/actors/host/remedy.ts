// What people do about an actor that stands still: release it, stop it, purge it.
import type { ReplyAddress } from '../../contract/effect.ts';
import type { ActorBody, AnswerBody, InboundMessage } from '../../contract/wire.ts';
import { answer, notFound } from './answer.ts';
import { applyItems } from './apply.ts';
import type { HeldActor, Progress, Settlement } from './held-actor.ts';
import type { Judgement } from './inbox.ts';
import { record } from './inbox.ts';
import { isStandingStill } from './quarantine.ts';
import type { SessionState } from './session-state.ts';
import { deliverNow, giveUpUndelivered } from './undelivered.ts';
import { migrate } from './version.ts';

export type RemedyBody = Extract<ActorBody, { kind: 'release' | 'purge' | 'stop' }>;

export interface Remedy {
  readonly held: HeldActor;
  readonly message: InboundMessage;
  readonly body: RemedyBody;
  readonly settlements: Settlement[];
  /** Applies what was held back. */
  readonly catchUp: () => Promise<Progress>;
}

/** A stop needs no remedy where the actor can take it as any other input. */
export function isRemedy(body: ActorBody, { quarantine }: SessionState): body is RemedyBody {
  return (
    body.kind === 'release' || body.kind === 'purge' || (body.kind === 'stop' && quarantine !== undefined)
  );
}

/**
 * Both are recorded by the first of their commits, as the anchor of all that follows (I5), and done with the last: a purge when
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

export async function remedy(todo: Remedy): Promise<Progress> {
  const { held, message, body, settlements } = todo;
  settlements.push({ message, disposition: { kind: 'complete' } });
  if (held.state.core === null) {
    // Perhaps purged before, by a holder that died before it removed everything; or 4 bytes that an earlier release left.
    if (body.kind === 'purge' && (await held.forget()) === 'lost') return 'lost';
    return body.kind === 'stop' ? 'held' : held.publish([notFound(message, body.asker, held.address)]);
  }
  if ((await begin(todo)) === 'lost') return 'lost';
  switch (body.kind) {
    case 'stop':
      return stop(todo);
    case 'release':
      return release(todo, body.asker);
    case 'purge':
      if ((await stop(todo)) === 'lost' || (await held.purge()) === 'lost') return 'lost';
      return say(todo, body.asker, { kind: 'answer', answer: 'purged' });
  }
}

/** Recorded as applied before anything that was held is: it is the anchor of all that (I5). */
async function begin({ held, message, body }: Remedy): Promise<Progress> {
  const { state, host, settled } = held;
  if (state.quarantine === undefined || held.outlined) return 'held';
  const { undelivered, ...quarantine } = state.quarantine;
  if (undelivered !== undefined && body.kind === 'release') return deliverNow(held, message);
  if (undelivered !== undefined) giveUpUndelivered(held);
  const applied = [{ message, disposition: { kind: 'complete' } as const }];
  const inbox = record(state.inbox, applied, settled, host.clock.now(), host);
  const known = [...settled];
  const outbox = undelivered === undefined ? state.outbox : [];
  const next = { ...state, inbox, outbox, quarantine: { ...quarantine, releasing: true as const } };
  if ((await held.commit(next)) === 'lost') return 'lost';
  for (const number of known) settled.delete(number);
  return 'held';
}

async function release(todo: Remedy, asker: ReplyAddress): Promise<Progress> {
  const { held } = todo;
  const isReleased = !isStandingStill(held.state);
  if (isReleased && ((await migrate(held)) === 'lost' || (await todo.catchUp()) === 'lost')) return 'lost';
  const { quarantine: again } = held.state;
  if (again === undefined) return say(todo, asker, { kind: 'answer', answer: 'released' });
  const { code, message } = again;
  return say(todo, asker, { kind: 'answer', answer: 'error', error: { code, message } });
}

/** All that wait for the actor are told; what was held back has become stale. */
async function stop({ held, message, catchUp }: Remedy): Promise<Progress> {
  const applied = await applyItems(held, [{ message, input: { kind: 'stop' } }], []);
  if (applied === 'lost') return 'lost';
  if (held.outlined && held.state.core?.status === 'active')
    return held.letGo(new Error('its state is lost, and it could not be stopped now'), 'not stopped');
  return catchUp();
}

function say({ held, message }: Remedy, asker: ReplyAddress, body: AnswerBody): Promise<Progress> {
  return held.publish([answer(message, asker, body)]);
}
