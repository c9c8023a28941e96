// Decides by the core's verdict what becomes of each message: how it is settled (I5), what its sender is told, and whether it
// counts as dropped (I9).
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Disposition } from '../../../contract/ports.ts';
import type { TurnResult, Verdict } from '../../../contract/turn.ts';
import { type AnswerBody, type InboundMessage, PROPERTY } from '../../../contract/wire.ts';
import { answerMessageId, inputId } from '../../protocol/ids.ts';
import { toAnswer } from '../../protocol/messages.ts';
import type { Settlement } from '../settle.ts';
import { canStart, type ReceivedInput } from '../sort/inbox.ts';
import { BOUNDS, type OutboxEntry, type SessionState } from '../state/session-state.ts';

// Answers of the host itself, sent to the asker's reply session.

export function notFound(message: InboundMessage, asker: ReplyAddress, actor: ActorAddress): OutboxEntry {
  return answer(message, asker, { kind: 'answer', answer: 'error', error: absent(actor) });
}

function absent(actor: ActorAddress): ErrorJson {
  const message = `no actor ${formatAddress(actor)}: it was never started, or is forgotten`;
  return { code: 'ACTOR_NOT_FOUND', message };
}

/** Answers have ids that follow from the request's, so a repeated request is answered once. */
export function answer(request: InboundMessage, to: ReplyAddress, body: AnswerBody): OutboxEntry {
  return { kind: 'message', message: toAnswer(to, answerMessageId(request.messageId, body.answer), body) };
}

/** The asker links its span to the actor's. */
export function tracedWith(traceparent: string | undefined): (entry: OutboxEntry) => OutboxEntry {
  return (entry) =>
    traceparent === undefined || entry.kind !== 'message'
      ? entry
      : { ...entry, message: { ...entry.message, traceparent } };
}

/** A message with what the core said of it. */
export interface Judged extends ReceivedInput {
  readonly verdict: Verdict;
}

/** Pieces that come early wait in the broker while there is room for them. */
export function judgeAll(
  state: SessionState,
  received: readonly ReceivedInput[],
  verdicts: readonly Verdict[],
): readonly Judged[] {
  let room = BOUNDS.deferred - Object.keys(state.deferred).length;
  return received.slice(0, verdicts.length).map((one, at) => {
    const verdict = verdicts[at] as Verdict;
    const isTooEarly = verdict.kind === 'early' && room-- <= 0;
    return { ...one, verdict: isTooEarly ? TOO_EARLY : verdict };
  });
}

/** The piece before it never came, while hundreds behind it did. The answer itself is not touched by that. */
const TOO_EARLY: Verdict = {
  kind: 'rejected',
  error: {
    code: 'QUOTA_EXCEEDED',
    message: `${BOUNDS.deferred} pieces of answers wait already for one that should have come before them`,
  },
};

export function settledAs(judged: Judged, actor: ActorAddress): Settlement {
  return { message: judged.message, disposition: dispositionOf(judged, actor) };
}

/** The message that began this life of the actor: a start, or an event that may start it. */
export function isBirth({ input, verdict }: Judged): boolean {
  return verdict.kind === 'applied' && canStart(input);
}

const NEVER_DROPPED: readonly ReceivedInput['input']['kind'][] = ['event', 'await', 'respond'];

/** Whether nobody waits for what the message says (I9). Events are never dropped, and a client that waits is told. */
export function isDropped({ input, verdict }: Judged): boolean {
  if (verdict.kind === 'unknown') return !NEVER_DROPPED.includes(input.kind);
  return verdict.kind === 'stale';
}

function dispositionOf({ message, input, verdict }: Judged, actor: ActorAddress): Disposition {
  switch (verdict.kind) {
    case 'early':
      return { kind: 'defer' };
    case 'unknown':
      return input.kind === 'event' ? forNobody(message, absent(actor)) : { kind: 'complete' };
    case 'applied':
      return verdict.refused === undefined ? { kind: 'complete' } : toDeadLetter(verdict.refused);
    // A pure throw is not retried (I7): the same input would throw again.
    case 'rejected':
      return toDeadLetter(verdict.error);
    case 'ended':
      return input.kind === 'event' ? forNobody(message, verdict.error) : { kind: 'complete' };
    case 'refused':
    case 'stale':
    case 'exists':
      return { kind: 'complete' };
  }
}

function toDeadLetter({ code, message }: ErrorJson) {
  return { kind: 'deadLetter', reason: code, description: message } as const;
}

/**
 * Handled, if an actor sent it: actors outlive each other, and nobody would send again what one said to another that is
 * gone.
 */
function forNobody({ properties }: InboundMessage, error: ErrorJson): Disposition {
  const isOfActor = typeof properties[PROPERTY.from] === 'string';
  return { ...toDeadLetter(error), ...(isOfActor ? { handled: true } : {}) };
}

/** The id of the input, kept for root actors only: nobody starts a child with another input, its id follows from its parent. */
export function inputOf({ input }: Judged, { state }: TurnResult): string | undefined {
  if (state === null) return undefined;
  if (input.kind === 'event') return inputId(state.incarnation, input.start?.input ?? null);
  return input.kind === 'start' && input.parent === undefined
    ? inputId(state.incarnation, input.input)
    : undefined;
}

export function answerTo(
  one: Judged,
  result: TurnResult,
  startedWith: string | undefined,
  actor: ActorAddress,
): OutboxEntry[] {
  const { message, input, verdict } = one;
  if (input.kind === 'start' && input.asker !== undefined) {
    if (verdict.kind === 'applied')
      return [answer(message, input.asker, { kind: 'answer', answer: 'started' })];
    const isOther = startedWith !== undefined && startedWith !== inputOf(one, result);
    if (verdict.kind === 'exists' && isOther && message.properties[PROPERTY.sameInput] === true)
      return [answer(message, input.asker, { kind: 'answer', answer: 'error', error: conflict(actor) })];
    if (verdict.kind === 'exists')
      return [answer(message, input.asker, { kind: 'answer', answer: 'exists' })];
    if (verdict.kind === 'rejected')
      return [answer(message, input.asker, { kind: 'answer', answer: 'error', error: verdict.error })];
  }
  if (input.kind === 'respond') return [answer(message, input.asker, responseOf(verdict, actor))];
  if (input.kind === 'await' && verdict.kind === 'unknown') return [notFound(message, input.asker, actor)];
  return [];
}

/** What a person is told of an answer. */
function responseOf(verdict: Verdict, actor: ActorAddress): AnswerBody {
  if (verdict.kind === 'applied') return { kind: 'answer', answer: 'answered' };
  const error = 'error' in verdict ? verdict.error : absent(actor);
  return { kind: 'answer', answer: 'error', error };
}

function conflict(actor: ActorAddress): ErrorJson {
  return { code: 'START_CONFLICT', message: `${formatAddress(actor)} was started with another input` };
}
