// From a turn's result to the next session state (I2): what becomes of each message, what leaves, what is remembered.
// Pure but for hashing; the caller commits and carries out.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { actorQueue } from '../../contract/entities.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Disposition } from '../../contract/ports.ts';
import type { Registry, TurnInput, TurnResult, Verdict } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { lifeFolder } from '../protocol/claims.ts';
import { hashId, inputId } from '../protocol/ids.ts';
import { absent, answer, notFound } from './answer.ts';
import { encodeEffects } from './encode.ts';
import { record } from './inbox.ts';
import { letGo } from './let-go.ts';
import { markEntries, marksOf } from './marks.ts';
import type { OutboxEntry, SessionState } from './session-state.ts';
import { BOUNDS } from './session-state.ts';
import { actorSpan } from './trace.ts';
import { current, tellWatchers, withWatchers } from './watch.ts';

export interface Item {
  readonly message: InboundMessage;
  readonly input: TurnInput;
  /** It was in hand when a host died: it runs alone, its attempts counted (I7). */
  readonly suspect?: boolean;
  /** Of a start by a parent: the folder of the family that it was born into. */
  readonly family?: string;
}

interface Judged extends Item {
  readonly verdict: Verdict;
}

/** The timer that ends a tombstone; its incarnation tells it from one of an earlier life. */
const EXPIRE = 'expire#';

export interface BatchContext {
  readonly actor: ActorAddress;
  readonly epoch: string;
  readonly now: number;
  /** How long peers and keys are remembered; an ended actor, too. */
  readonly duplicateWindowMs: number;
  readonly retentionMs: number;
  /** Numbers of messages whose settlement is confirmed: they can be forgotten. */
  readonly settled: ReadonlySet<number>;
  /** Of the machine that runs here: the host that wrote a state last decides which hosts may read it (I14). */
  readonly version: string;
  /** Of the payload store. */
  readonly scope: string;
  /** Machine types that events can be sent to. */
  readonly machines: Registry['machines'];
}

export interface NextState {
  /** Unset when nothing changed that must be remembered: settling needs no commit then. */
  readonly state?: SessionState;
  readonly dispositions: readonly { readonly message: InboundMessage; readonly disposition: Disposition }[];
  /** With `state`: already in its outbox. Without: to be published as they are. */
  readonly entries: readonly OutboxEntry[];
  readonly dropped: number;
}

export function nextState(
  state: SessionState,
  items: readonly Item[],
  result: TurnResult,
  context: BatchContext,
): NextState {
  const taken = items.slice(0, result.verdicts.length);
  let room = BOUNDS.deferred - Object.keys(state.deferred).length;
  const judged: Judged[] = taken.map((item, at) => {
    const verdict = result.verdicts[at] as Verdict;
    const isTooEarly = verdict.kind === 'early' && room-- <= 0;
    return { ...item, verdict: isTooEarly ? TOO_EARLY : verdict };
  });
  const dispositions = judged.map((one) => settledAs(one, context.actor));
  const started = state.core === null ? judged.find(isBirth) : undefined;
  const startedWith = (started === undefined ? undefined : inputOf(started, result)) ?? state.input;
  const answers = [
    ...judged.flatMap((one) => answerTo(one, result, startedWith, context.actor)),
    ...markEntries(context.actor, marksOf(judged, state.core, result.state)),
  ];
  const dropped = judged.filter(isDropped).length;
  const changed =
    judged.some(({ verdict }) => verdict.kind === 'applied' || verdict.kind === 'early') ||
    // A repeat that a gather counted changes nothing else.
    (dropped > 0 && JSON.stringify(result.state?.executions) !== JSON.stringify(state.core?.executions));
  if (!changed || result.state === null) {
    const isCounted = taken.some(({ message }) => Object.hasOwn(state.attempts, message.sequenceNumber));
    if (!isCounted) return { dispositions, entries: answers, dropped };
    // Its turn came to an end: were that not written down, each delivery would count as one more that nobody saw the end of.
    return {
      dispositions,
      entries: answers,
      dropped,
      state: { ...state, outbox: answers, ...remembered(state, judged, context) },
    };
  }

  const core = result.state;
  const { actor, epoch } = context;
  const traceparent = started === undefined ? state.traceparent : started.message.traceparent;
  const { family = state.family } = started ?? {};
  const encoded = encodeEffects(result.effects, {
    actor,
    family: family ?? lifeFolder(context.scope, actor, core.incarnation),
    epoch,
    incarnation: core.incarnation,
    span: actorSpan(traceparent, actor, core.incarnation),
    scheduled: state.scheduled,
    timers: { before: state.core?.timers ?? {}, after: core.timers },
    now: context.now,
    isKnownType: (type) =>
      Object.hasOwn(context.machines, type) || core.parent?.address.type === type || actor.type === type,
  });
  const ended = core.status !== 'active' && state.core?.status !== core.status;
  const watchers = current(state.watchers ?? [], context.now);
  const entries = [
    ...encoded,
    ...answers,
    ...letGo(state.core, result, taken, { entity: actorQueue(actor.type), now: context.now }),
    ...tellWatchers(watchers, actor, core, result.steps),
    ...(ended ? [expiry(actor, core.incarnation, context)] : []),
  ];
  return {
    dispositions,
    entries,
    dropped,
    state: {
      ...withWatchers(state, ended ? [] : watchers),
      version: context.version,
      core,
      outbox: entries,
      ...remembered(state, judged, context),
      scheduled: Object.fromEntries(
        Object.entries(state.scheduled).filter(([token]) => Object.hasOwn(core.timers, token)),
      ),
      ...(family === undefined ? {} : { family }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(startedWith === undefined ? {} : { input: startedWith }),
    },
  };
}

/** The piece before it never came, while hundreds behind it did. The answer itself is not touched by that. */
const TOO_EARLY: Verdict = {
  kind: 'rejected',
  error: {
    code: 'QUOTA_EXCEEDED',
    message: `${BOUNDS.deferred} pieces of answers wait already for one that should have come before them`,
  },
};

/** Of children nobody asks: their ids follow from their parents. */
function inputOf({ input }: Judged, { state }: TurnResult): string | undefined {
  if (state === null) return undefined;
  if (input.kind === 'event') return inputId(state.incarnation, input.start?.input ?? null);
  return input.kind === 'start' && input.parent === undefined
    ? inputId(state.incarnation, input.input)
    : undefined;
}

/** What became of these messages; their attempts are over. */
function remembered(
  state: SessionState,
  judged: readonly Judged[],
  { actor, settled, now, ...memory }: BatchContext,
): Pick<SessionState, 'inbox' | 'deferred' | 'attempts' | 'dropped'> {
  const over = new Set(judged.map(({ message }) => message.sequenceNumber));
  const attempts = Object.entries(state.attempts).filter(
    ([number]) => !settled.has(Number(number)) && !over.has(Number(number)),
  );
  return {
    inbox: record(
      state.inbox,
      judged.map((one) => settledAs(one, actor)),
      settled,
      now,
      memory,
    ),
    deferred: nextDeferred(state, judged, settled),
    attempts: Object.fromEntries(attempts),
    dropped: state.dropped + judged.filter(isDropped).length,
  };
}

function settledAs(
  judged: Judged,
  actor: ActorAddress,
): { message: InboundMessage; disposition: Disposition } {
  return { message: judged.message, disposition: dispositionOf(judged, actor) };
}

/** What began this actor's life: a start, or an event that may start it. */
function isBirth({ input, verdict }: Judged): boolean {
  return verdict.kind === 'applied' && canStart(input);
}

export function canStart(input: TurnInput): boolean {
  return input.kind === 'start' || (input.kind === 'event' && input.start !== undefined);
}

/** Nobody waits for what it would have told (I9). An event is somebody's word: it is never dropped; who awaits is told. */
function isDropped({ input, verdict }: Judged): boolean {
  if (verdict.kind === 'unknown') return input.kind !== 'event' && input.kind !== 'await';
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
      return forNobody(message, verdict.error);
    case 'stale':
    case 'exists':
      return { kind: 'complete' };
  }
}

function toDeadLetter({ code, message }: ErrorJson) {
  return { kind: 'deadLetter', reason: code, description: message } as const;
}

/** Actors outlive each other: what one says to another that is gone is nothing that a person would send again. */
function forNobody({ properties }: InboundMessage, error: ErrorJson): Disposition {
  const isOfActor = typeof properties[PROPERTY.from] === 'string';
  return { ...toDeadLetter(error), ...(isOfActor ? { handled: true } : {}) };
}

/** Early partials by what they wait for; forgotten once their message is settled for good. */
function nextDeferred(
  state: SessionState,
  judged: readonly Judged[],
  settled: ReadonlySet<number>,
): Record<string, number> {
  // Their deferral was confirmed, their completion is still to come.
  const running = new Set(judged.map(({ message }) => message.sequenceNumber));
  const kept = Object.entries(state.deferred).filter(
    ([, number]) => !settled.has(number) || isDeferral(state, number) || running.has(number),
  );
  const added = judged.flatMap(({ message, verdict }) =>
    verdict.kind === 'early'
      ? [[deferredKey(verdict.execution, verdict.branch, verdict.seq), message.sequenceNumber] as const]
      : [],
  );
  return Object.fromEntries([...kept, ...added]);
}

function isDeferral(state: SessionState, number: number): boolean {
  return state.inbox.unsettled.some(([known, { kind }]) => known === number && kind === 'defer');
}

function deferredKey(execution: string, branch: number, seq: number): string {
  return `${execution}/${branch}/${seq}`;
}

/** Deferred messages whose turn has come, or that nobody waits for any more. */
export function dueDeferred(state: SessionState): number[] {
  return Object.entries(state.deferred).flatMap(([key, number]) => {
    const [execution = '', branch = '0', seq = '0'] = key.split('/');
    const waiting = state.core?.executions[execution];
    return waiting !== undefined && (waiting.nextPartial?.[branch] ?? 0) < Number(seq) ? [] : [number];
  });
}

/** Whether pieces of the answer that ends here came early: they go before it. */
export function hasEarlyPieces(
  state: SessionState,
  before: readonly Item[],
  { execution, branch = 0 }: Extract<TurnInput, { kind: 'reply' }>,
): boolean {
  const prefix = deferredKey(execution, branch, 0).slice(0, -1);
  if (Object.keys(state.deferred).some((key) => key.startsWith(prefix))) return true;
  let expected = state.core?.executions[execution]?.nextPartial?.[branch] ?? 0;
  return before.some(
    ({ input }) =>
      input.kind === 'partial' &&
      input.execution === execution &&
      (input.branch ?? 0) === branch &&
      input.seq !== expected++,
  );
}

function answerTo(
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
  if (input.kind === 'await' && verdict.kind === 'unknown') return [notFound(message, input.asker, actor)];
  return [];
}

function conflict(actor: ActorAddress): ErrorJson {
  return { code: 'START_CONFLICT', message: `${formatAddress(actor)} was started with another input` };
}

function expiry(actor: ActorAddress, incarnation: string, { now, retentionMs }: BatchContext): OutboxEntry {
  const entity = actorQueue(actor.type);
  const token = `${EXPIRE}${incarnation}`;
  return {
    kind: 'message',
    message: {
      entity,
      sessionId: actor.id,
      subject: 'timer',
      messageId: hashId(entity, formatAddress(actor), token),
      notBefore: now + retentionMs,
      properties: { [PROPERTY.format]: WIRE_FORMAT },
      body: { kind: 'timer', token },
    },
  };
}

export function isExpiry(input: TurnInput): boolean {
  return input.kind === 'timer' && input.token.startsWith(EXPIRE);
}

/** True when this timer ends the tombstone that lies here now. */
export function endsTombstone(state: SessionState, input: TurnInput): boolean {
  return (
    input.kind === 'timer' &&
    state.core !== null &&
    state.core.status !== 'active' &&
    input.token === `${EXPIRE}${state.core.incarnation}`
  );
}
