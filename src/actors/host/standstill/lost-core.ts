// An actor whose core cannot be read. Gone from the payload store, or packed by a codec that is not here (PAYLOAD_NOT_FOUND,
// PAYLOAD_UNREADABLE), it is quarantined with its claim: who asks is told the code at once, what comes is parked in order. A
// release reads it again. A stop or purge ends it by what the session knows of it (Outline). Where the store only does not answer
// now, its messages stay where they are.
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { HeldSession } from '../../../contract/ports.ts';
import type { CoreState } from '../../../contract/turn.ts';
import type { ActorBody, AnswerBody, InboundMessage } from '../../../contract/wire.ts';
import { withoutClaims } from '../../protocol/claims.ts';
import { hashId } from '../../protocol/ids.ts';
import { parseActorBody, toAnswer } from '../../protocol/messages.ts';
import { withdrawAsks } from '../commit/tell-asks.ts';
import { answer } from '../commit/verdicts.ts';
import { type ActorView, HeldActor, STUCK_PAUSE_MS, TAKE } from '../held-actor.ts';
import type { ActorHost } from '../host.ts';
import { sendAnswers } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import { judge } from '../sort/inbox.ts';
import { openState } from '../state/claim-state.ts';
import type { OutboxEntry, SessionState } from '../state/session-state.ts';
import { park } from './quarantine.ts';
import { isUnfinished } from './remedy.ts';

// An actor whose state lies in a payload store that does not answer now. Nothing may be applied, and nothing is lost: its messages
// stay where they are, in order, for a host that can read it. Only a purge needs no state.

export async function holdUnreadable(
  session: HeldSession,
  host: ActorHost,
  state: SessionState,
  { code, message }: ErrorJson,
): Promise<void> {
  const held = new HeldActor(session, host, { state });
  host.logger.error(`the state cannot be read: ${message}`, { code, actor: held.name });
  const taken = await session.take(TAKE);
  if (taken.kind !== 'messages') return;
  for (const found of taken.messages) {
    const parsed = found.subject === 'purge' ? parseActorBody(found) : undefined;
    if (parsed?.ok !== true || parsed.body.kind !== 'purge') continue;
    await sendAnswers(held, withdrawAsks(held.address, state.outline, held.epoch));
    await held.purge();
    await sendAnswers(held, [answer(found, parsed.body.asker, { kind: 'answer', answer: 'purged' })]);
    return held.settler.settleNow([completed(found)]);
  }
  await new Promise((resolve) => setTimeout(resolve, STUCK_PAUSE_MS));
}

/** A state that is held has its claim only if it could not be read. */
export function hasLostCore({ claim }: SessionState): boolean {
  return claim !== undefined;
}

/** Reports the loss once: in the log, to the clients that wait for the result, and in the state. */
export async function quarantineLostCore(
  session: HeldSession,
  host: ActorHost,
  written: SessionState,
  error: ErrorJson,
): Promise<HeldActor> {
  const { claim, quarantine, outline } = written;
  const { code, message } = error;
  const { parked = [], since = host.clock.now() } = quarantine ?? {};
  const lost: SessionState = { ...written, quarantine: { code, message, since, parked } };
  const actor = new HeldActor(session, host, claim === undefined ? { state: lost } : { state: lost, claim });
  if (quarantine?.code === code && quarantine.releasing !== true) return actor;
  host.logger.error(`quarantined, for its state cannot be read: ${message}`, { code, actor: actor.name });
  // A commit that follows would make this message for nobody: they are told first, under ids that do not change.
  const told = (outline?.waiters ?? []).map((to) => failure(actor, to, error));
  await sendAnswers(actor, told);
  await actor.commit(lost);
  return actor;
}

function failure({ name, state }: ActorView, to: ReplyAddress, error: ErrorJson): OutboxEntry {
  const id = hashId('lost', name, state.claim?.$payload ?? '', to.sessionId, to.correlationId);
  return { kind: 'message', message: toAnswer(to, id, { kind: 'answer', answer: 'error', error }) };
}

interface TakenWithoutCore {
  readonly settlements: readonly Settlement[];
  /** Messages for an actor that now has an outline to end with. */
  readonly rest: readonly InboundMessage[];
}

/** What an actor whose core is lost does with what comes: answers what asks, parks the others. */
export async function takeWithoutCore(
  held: HeldActor,
  messages: readonly InboundMessage[],
): Promise<TakenWithoutCore> {
  const settlements: Settlement[] = [];
  const back: InboundMessage[] = [];
  const answers: OutboxEntry[] = [];
  const parkAndAnswer = async (): Promise<void> => {
    settlements.push(...(await park(held, back)));
    await sendAnswers(held, answers);
  };
  for (const [at, message] of messages.entries()) {
    const judgement = judge(held.state.inbox, message, held.settler.settled);
    if (judgement.kind !== 'new' && !isUnfinished(message, judgement, held.state)) {
      settlements.push(
        judgement.kind === 'recorded' ? { message, disposition: judgement.disposition } : completed(message),
      );
      continue;
    }
    // What was claimed may be gone as well: only what stands in the message itself is looked at here.
    const parsed = parseActorBody(withoutClaims(message));
    if (!parsed.ok) {
      const disposition = { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why } as const;
      settlements.push({ message, disposition });
      continue;
    }
    const { body } = parsed;
    if (body.kind === 'stop' || body.kind === 'purge') {
      await parkAndAnswer();
      held.standIn(outlined(held.state));
      return { settlements, rest: messages.slice(at) };
    }
    if (body.kind === 'release' && (await isBack(held))) {
      // The next holder finds the state readable, and this message in its place.
      await parkAndAnswer();
      held.end();
    }
    const asker = askerOf(body);
    if (asker === undefined) back.push(message);
    else {
      if (asker !== 'nobody') answers.push(answer(message, asker, refusal(held.state)));
      settlements.push(completed(message));
    }
  }
  await parkAndAnswer();
  return { settlements, rest: [] };
}

const ASKING: ReadonlySet<ActorBody['kind']> = new Set([
  'start',
  'query',
  'await',
  'release',
  'topUp',
  'respond',
]);

/** Messages that ask what an actor is now, and need an answer. The end of a watch needs no answer. */
function askerOf(body: ActorBody): ReplyAddress | 'nobody' | undefined {
  if (body.kind === 'watch') return body.leaseMs === 0 ? 'nobody' : body.asker;
  return ASKING.has(body.kind) && 'asker' in body ? body.asker : undefined;
}

function refusal({ quarantine }: SessionState): AnswerBody {
  const { code = 'PAYLOAD_NOT_FOUND', message = '' } = quarantine ?? {};
  return { kind: 'answer', answer: 'error', error: { code, message: `its state: ${message}` } };
}

async function isBack({ state, host }: ActorView): Promise<boolean> {
  return openState(state, host.payloads).then(
    () => true,
    () => false,
  );
}

/**
 * Puts what the end of the actor needs in the place of its core. Its stop is a release too, which lets go of what was
 * parked.
 */
function outlined({ claim, outline, quarantine, ...rest }: SessionState): SessionState {
  const { incarnation = `lost-${hashId(claim?.$payload ?? '')}`, turn = 0, startedAt = 0 } = outline ?? {};
  const core: CoreState = {
    status: 'active',
    incarnation,
    turn,
    snapshot: { status: 'active', value: null, context: null, children: {} },
    tags: [],
    executions: {},
    timers: {},
    waiters: outline?.waiters ?? [],
    startedAt,
    ...(outline?.parent === undefined ? {} : { parent: outline.parent }),
    ...(outline?.asks === undefined ? {} : { asks: { open: {}, closed: [] } }),
  };
  const standing =
    quarantine === undefined ? {} : { quarantine: { ...quarantine, releasing: true as const } };
  return { ...rest, core, ...standing };
}
