// Deterministic ids (I3): what is sent again after a crash carries the id it had before, so that the broker drops the repeat. And
// numbers of executions and timers, which carry the life that they belong to.
import { hash } from 'node:crypto';
import { type ActorAddress, formatAddress } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import type { ActorBody } from '../../contract/wire.ts';

/** 32 characters of base64url: 192 bits, well inside the 128 characters that Service Bus allows. */
export function hashId(...parts: readonly (string | number)[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 32);
}

/** Where an effect stands in its actor's life. */
interface EffectPlace {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  /** Drawn at each accept: a turn that is run again after a lost commit never reuses the ids of its first run. */
  readonly epoch: string;
  readonly turn: number;
  readonly index: number;
}

export function effectMessageId(target: string, place: EffectPlace): string {
  return hashId(target, formatAddress(place.actor), place.incarnation, place.epoch, place.turn, place.index);
}

/** The idempotency key of one task: the same for every attempt, redelivery and re-sending. */
export function taskKey(
  actor: ActorAddress,
  incarnation: string,
  execution: string,
  branch: number | null,
): string {
  return hashId('task', formatAddress(actor), incarnation, execution, branch ?? -1);
}

/**
 * One attempt of a task is one message; a hand-back at shutdown raises `release` instead of the attempt. `redriven` is the number
 * of the dead letter that it was sent again from: its attempts are counted anew, and are not those of before. `waits` is how often
 * it was put off with the same attempt.
 */
export function taskMessageId(key: string, attempt: number, again: Again = {}): string {
  const { release = 0, redriven, waits = 0 } = again;
  const parts = redriven === undefined ? [release] : [release, redriven];
  return waits === 0
    ? hashId('attempt', key, attempt, ...parts)
    : hashId('attempt', key, attempt, ...parts, 'waits', waits);
}

interface Again {
  readonly release?: number;
  readonly redriven?: number | undefined;
  readonly waits?: number;
}

/** One attempt of one named action. */
export function actionMessageId(key: string, attempt: number): string {
  return hashId('action', key, attempt);
}

export function replyMessageId(key: string): string {
  return hashId('reply', key);
}

/** Answers that need no commit: their id follows from the request's. */
export function answerMessageId(requestMessageId: string, purpose: string): string {
  return hashId('answer', requestMessageId, purpose);
}

export function deadLetterMessageId(entity: string, sequenceNumber: number, purpose: string): string {
  return hashId('dead-letter', entity, sequenceNumber, purpose);
}

/** Names the input that a life was started with. Two actors with the same input have different ids. */
export function inputId(incarnation: string, input: Json): string {
  return hashId('input', incarnation, canonical(input));
}

/** The same text for the same value, in whatever order its fields were written. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))))
      : item,
  );
}

// Executions and timers are numbered anew in each life of an actor. On the wire a number carries the life that it belongs to,
// so that what was asked for in one life is never taken for an answer in the next (I4, I8).

const MARK = '~';
/** 32 bits of an incarnation, enough to tell the lives of one actor apart. */
const MARK_LENGTH = 8;

export function inLife(number: string, incarnation: string): string {
  return `${number}${MARK}${incarnation.slice(0, MARK_LENGTH)}`;
}

/** The life in a number on the wire; empty for one of an earlier release. */
export function lifeOf(number: string): string {
  const at = number.lastIndexOf(MARK);
  return at < 0 ? '' : number.slice(at + MARK.length);
}

/** The number as its actor knows it. */
export function withoutLife(number: string): string {
  const at = number.lastIndexOf(MARK);
  return at < 0 ? number : number.slice(0, at);
}

/** The body as this life knows it; undefined when it is for another life. A number without a life is of an earlier release. */
export function ofThisLife(body: ActorBody, incarnation: string): ActorBody | undefined {
  const number = 'execution' in body ? body.execution : 'token' in body ? body.token : '';
  const bare = withoutLife(number);
  if (bare === number) return body;
  if (number !== inLife(bare, incarnation)) return undefined;
  return 'token' in body ? { ...body, token: bare } : ({ ...body, execution: bare } as ActorBody);
}
