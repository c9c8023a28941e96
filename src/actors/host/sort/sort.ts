// Sorts the messages of a batch, the first stage: which were applied before (I4), which are of an earlier life (I9), which
// ask something, and which are inputs of the machine. It reads payloads and changes nothing. What a message is may depend on
// the state that those before it lead to. There a part ends: it is acted on before the rest is sorted.
import type { Bounds } from '../../../contract/bounds.ts';
import type { OnBehalf } from '../../../contract/control.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Payloads } from '../../../contract/payload.ts';
import type { TurnInput } from '../../../contract/turn.ts';
import {
  type ActorBody,
  type InboundMessage,
  PROPERTY,
  type TopUpBody,
  USAGE,
  type WatchBody,
} from '../../../contract/wire.ts';
import { readBehalf } from '../../protocol/behalf.ts';
import { readBounds, readTasksLeft } from '../../protocol/bounds.ts';
import { readBudget } from '../../protocol/budgets.ts';
import { hasClaims, isUnreadable, openClaims, withoutClaims } from '../../protocol/claims.ts';
import { ofThisLife } from '../../protocol/ids.ts';
import { marksIn } from '../../protocol/lineage.ts';
import { parseActorBody } from '../../protocol/messages.ts';
import { signedFamily } from '../../protocol/seals.ts';
import { readUsage } from '../../protocol/usage.ts';
import type { Admission } from '../admission.ts';
import { isWake } from '../outbox/undelivered.ts';
import { completed, type Settlement } from '../settle.ts';
import { isRemedy, isUnfinished, type RemedyBody } from '../standstill/remedy.ts';
import { BOUNDS, type SessionState } from '../state/session-state.ts';
import type { More } from '../unsent/more.ts';
import { isMore } from '../unsent/own-timer.ts';
import { hasEarlyPieces } from './early-pieces.ts';
import { canStart, identitiesOf, type Judgement, judge, type Noted, type ReceivedInput } from './inbox.ts';
import type { OlderPeers } from './peers.ts';
import { isExpiry } from './tombstone.ts';

/** What the messages are sorted by. */
export interface SortContext {
  readonly state: SessionState;
  readonly settled: ReadonlySet<number>;
  readonly olderPeers: OlderPeers;
  /** The incarnation of an actor that one of them may start. */
  readonly newborn: string;
  /** Numbers of deferred messages that were fetched. */
  readonly fetched: ReadonlySet<number>;
  readonly payloads: Payloads;
  readonly admission?: Admission | undefined;
  /** Folder of payloads on their way to the actor. */
  readonly inbound: string;
  /** A model of an agent that has no price. */
  readonly unpriced?: (() => string | undefined) | undefined;
}

export interface Query {
  readonly message: InboundMessage;
  readonly asker: ReplyAddress;
}

export interface Refusal {
  readonly message: InboundMessage;
  readonly asker: ReplyAddress;
  readonly error: ErrorJson;
}

export interface WatchRequest {
  readonly message: InboundMessage;
  readonly body: WatchBody;
}

export interface TopUpRequest {
  readonly message: InboundMessage;
  readonly body: TopUpBody;
}

/** What ends a part; it is done once the inputs of the part are applied. */
export type Next =
  /** Tries again to send what the outbox could not deliver. */
  | { readonly kind: 'wake'; readonly message: InboundMessage }
  | { readonly kind: 'remedy'; readonly message: InboundMessage; readonly body: RemedyBody }
  /** An input that is applied by itself. */
  | { readonly kind: 'alone'; readonly received: ReceivedInput }
  /** An answer whose early pieces are applied before it. */
  | { readonly kind: 'answer'; readonly received: ReceivedInput };

export interface Part {
  /** How messages are settled that need nothing else. */
  readonly settlements: readonly Settlement[];
  readonly inputs: readonly ReceivedInput[];
  readonly queries: readonly Query[];
  readonly watches: readonly WatchRequest[];
  /** Starts that are refused now. */
  readonly refusals: readonly Refusal[];
  /** What was used, for the books: no input of the machine. */
  readonly usages: readonly Noted[];
  readonly topUps: readonly TopUpRequest[];
  /** By which the actor continues with what is unsent. */
  readonly mores: readonly More[];
  /** Messages for an earlier life of the actor. */
  readonly strays: readonly InboundMessage[];
  /** Numbers of messages whose payload could not be read. */
  readonly unread: readonly number[];
  /** Folders of families that starts name without a signature that counts. */
  readonly unsigned: readonly string[];
  readonly dropped: number;
  /** Of those: had been applied before. */
  readonly repeated: number;
  readonly next?: Next;
  readonly rest: readonly InboundMessage[];
}

/** `first`: an input that is applied before these. Rejects with what the storage threw. */
export async function sort(
  messages: readonly InboundMessage[],
  context: SortContext,
  first?: ReceivedInput,
): Promise<Part> {
  const { state, settled, olderPeers, newborn, payloads, inbound } = context;
  const settlements: Settlement[] = [];
  const inputs: ReceivedInput[] = first === undefined ? [] : [first];
  const queries: Query[] = [];
  const watches: WatchRequest[] = [];
  const refusals: Refusal[] = [];
  const usages: Noted[] = [];
  const topUps: TopUpRequest[] = [];
  const mores: More[] = [];
  const strays: InboundMessage[] = [];
  const unread: number[] = [];
  const unsigned: string[] = [];
  let dropped = 0;
  let repeated = 0;
  const end = (at: number, next?: Next): Part => ({
    settlements,
    inputs,
    queries,
    watches,
    refusals,
    usages,
    topUps,
    mores,
    strays,
    unread,
    unsigned,
    dropped,
    repeated,
    rest: messages.slice(at),
    ...(next === undefined ? {} : { next }),
  });
  const identities = new Set<string>();
  for (const [at, message] of messages.entries()) {
    const known = identitiesOf(message);
    if (known.some((identity) => identities.has(identity))) return end(at);
    for (const identity of known) identities.add(identity);
    const judgement = judge(state.inbox, message, settled, olderPeers);
    if (judgement.kind !== 'new' && !isUnfinished(message, judgement, state)) {
      if (judgement.kind === 'repeat') {
        dropped++;
        repeated++;
      }
      settlements.push(asJudged(message, judgement));
      continue;
    }
    if (message.subject === USAGE) {
      const bill = hasClaims(message) ? await openedBill(message, payloads, inbound) : message;
      const told = bill && readUsage(bill, state.core?.incarnation ?? newborn);
      if (told !== undefined && state.core !== null) usages.push({ message, told });
      else {
        dropped++;
        settlements.push(completed(message));
      }
      continue;
    }
    const reading = readBody(message, payloads, inbound);
    const read = reading instanceof Promise ? await reading : reading;
    if (read.kind === 'refused') {
      settlements.push(refused(message, read.error));
      continue;
    }
    if (read.unread === true) unread.push(message.sequenceNumber);
    const body = ofThisLife(read.body, state.core?.incarnation ?? newborn);
    if (body === undefined) {
      dropped++;
      strays.push(message);
      settlements.push(completed(message));
    } else if (body.kind === 'query') queries.push({ message, asker: body.asker });
    else if (body.kind === 'watch') watches.push({ message, body });
    else if (body.kind === 'topUp') topUps.push({ message, body });
    else if (body.kind === 'granted') mores.push({ message, grant: body });
    else if (isMore(message.subject, body)) mores.push({ message });
    else if (isWake(message)) return end(at + 1, { kind: 'wake', message });
    else if (isRemedy(body, state)) return end(at + 1, { kind: 'remedy', message, body });
    else {
      const asked = refusalOf(body, inputs, context);
      const error = asked instanceof Promise ? await asked : asked;
      if (error !== undefined && body.kind === 'start' && body.asker !== undefined) {
        refusals.push({ message, asker: body.asker, error });
        settlements.push(completed(message));
        continue;
      }
      const bounds = canStart(body) ? readBounds(message) : undefined;
      if (bounds !== undefined && 'fault' in bounds) {
        settlements.push(refused(message, { code: 'INPUT_INVALID', message: bounds.fault }));
        continue;
      }
      const input = withBounds(withProperties(body, message), bounds);
      const said = canStart(input) ? readBehalf(message.properties) : NO_START;
      if ('fault' in said) {
        settlements.push(refused(message, { code: 'INPUT_INVALID', message: said.fault }));
        continue;
      }
      const suspect = isSuspect(message, context);
      const family = input.kind === 'start' ? await familyOf(message, payloads) : undefined;
      if (family?.unsigned !== undefined) unsigned.push(family.unsigned);
      const budget = budgetOf(message, input, context);
      if (budget?.kind === 'refused') {
        settlements.push(refused(message, budget.error));
        continue;
      }
      const more = { ...said, ...family?.signed, ...lineageOf(message, input), ...budget?.given };
      const received = { message, input, suspect, ...more };
      if (input.kind === 'reply' && hasEarlyPieces(state, inputs, input))
        return end(at + 1, { kind: 'answer', received });
      if (suspect || isExpiry(input)) return end(at + 1, { kind: 'alone', received });
      inputs.push(received);
    }
  }
  return end(messages.length);
}

/** For a client's start of an actor that is not there. */
function refusalOf(
  body: TurnInput,
  before: readonly ReceivedInput[],
  { state, admission }: SortContext,
): ReturnType<Admission['refusal']> {
  if (admission === undefined || state.core !== null || before.some(({ input }) => canStart(input)))
    return undefined;
  if (body.kind !== 'start' || body.parent !== undefined || body.asker === undefined) return undefined;
  return admission.refusal();
}

const NO_START: { readonly behalf?: OnBehalf } = {};

function asJudged(message: InboundMessage, judgement: Judgement): Settlement {
  return judgement.kind === 'recorded' ? { message, disposition: judgement.disposition } : completed(message);
}

function refused(message: InboundMessage, { code, message: description }: ErrorJson): Settlement {
  return { message, disposition: { kind: 'deadLetter', reason: code, description } };
}

/**
 * A message that was in hand when a host died runs alone, its attempt written first: neighbours are not blamed (I7). A deferral
 * counts as a delivery too.
 */
function isSuspect({ deliveryCount, sequenceNumber }: InboundMessage, { fetched }: SortContext): boolean {
  return deliveryCount > (fetched.has(sequenceNumber) ? 1 : 0);
}

/** What an answer's message says beside its body. */
function withProperties(input: TurnInput, message: InboundMessage): TurnInput {
  if (input.kind !== 'reply') return input;
  const { traceparent } = message;
  const tasksLeft = readTasksLeft(message);
  if (traceparent === undefined && tasksLeft === undefined) return input;
  return {
    ...input,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tasksLeft === undefined ? {} : { tasksLeft }),
  };
}

function withBounds(input: TurnInput, bounds: Bounds | undefined): TurnInput {
  if (bounds === undefined) return input;
  if (input.kind === 'start') return { ...input, bounds };
  return input.kind === 'event' && input.start !== undefined
    ? { ...input, start: { ...input.start, bounds } }
    : input;
}

interface Family {
  readonly signed?: Pick<ReceivedInput, 'family'>;
  readonly unsigned?: string;
}

function lineageOf({ properties }: InboundMessage, input: TurnInput): Pick<ReceivedInput, 'lineage'> {
  const marks =
    input.kind === 'start' && input.parent !== undefined ? marksIn(properties[PROPERTY.lineage]) : [];
  return marks.length === 0 ? {} : { lineage: marks.join(' ') };
}

type Budgeted =
  | { readonly kind: 'given'; readonly given: Pick<ReceivedInput, 'budget'> }
  | { readonly kind: 'refused'; readonly error: ErrorJson };

/** What a start says that the run may use. One that cannot be kept is refused, and not left out. */
function budgetOf(
  { properties }: InboundMessage,
  input: TurnInput,
  { unpriced }: SortContext,
): Budgeted | undefined {
  const { [PROPERTY.budget]: text } = properties;
  if (text === undefined || !canStart(input)) return undefined;
  const refuse = (message: string): Budgeted => ({
    kind: 'refused',
    error: { code: 'BUDGET_INVALID', message },
  });
  const read = readBudget(text);
  if (read.kind === 'invalid') return refuse(`the budget of a start: ${read.why}`);
  const { budget } = read;
  const model = budget.microUsd === undefined ? undefined : unpriced?.();
  if (model !== undefined) return refuse(`a budget in USD, and model '${model}' of an agent has no price`);
  return { kind: 'given', given: { budget } };
}

/** Undefined for what cannot be read. Rejects with what the storage threw: then no message is at fault. */
async function openedBill(
  message: InboundMessage,
  payloads: Payloads,
  inbound: string,
): Promise<InboundMessage | undefined> {
  try {
    return await openClaims(message, payloads, inbound);
  } catch (thrown) {
    if (!isUnreadable(toErrorJson(thrown, 'INTERNAL').code)) throw thrown;
    return undefined;
  }
}

/** The family that a start names, if the sender may name one. */
async function familyOf(message: InboundMessage, payloads: Payloads): Promise<Family> {
  const { [PROPERTY.family]: given } = message.properties;
  if (given === undefined) return {};
  const family = signedFamily(await payloads.seal(), message);
  return family !== undefined && family.length <= BOUNDS.pathLength
    ? { signed: { family } }
    : { unsigned: String(given) };
}

// Reads the claimed values of a message into their places. The payload store may have lost one. An answer that cannot be read
// is taken as an error, because nobody can send it again (I7, I11); any other message is refused.

type Read =
  | {
      readonly kind: 'body';
      readonly body: ActorBody;
      /** What was claimed could not be read: the body says so. */
      readonly unread?: true;
    }
  | { readonly kind: 'refused'; readonly error: ErrorJson };

/** At once where nothing is claimed. Rejects with what the storage threw: then no message is at fault. */
function readBody(message: InboundMessage, payloads: Payloads, inbound: string): Read | Promise<Read> {
  return hasClaims(message) ? readClaimed(message, payloads, inbound) : parse(message);
}

async function readClaimed(message: InboundMessage, payloads: Payloads, inbound: string): Promise<Read> {
  let opened: InboundMessage;
  try {
    opened = await openClaims(message, payloads, inbound);
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    const body = failedAnswer(message, error);
    return body === undefined ? { kind: 'refused', error } : { kind: 'body', body, unread: true };
  }
  return parse(opened);
}

function parse(opened: InboundMessage): Read {
  const parsed = parseActorBody(opened);
  if (parsed.ok) return { kind: 'body', body: parsed.body };
  return { kind: 'refused', error: { code: 'INPUT_INVALID', message: parsed.why } };
}

/** A piece that is lost is the end of its answer: what comes behind it would wait for it for ever. */
function failedAnswer(message: InboundMessage, error: ErrorJson): ActorBody | undefined {
  const parsed = parseActorBody(withoutClaims(message));
  if (!parsed.ok || (parsed.body.kind !== 'reply' && parsed.body.kind !== 'partial')) return undefined;
  const { execution, branch } = parsed.body;
  const place = branch === undefined ? { execution } : { execution, branch };
  return { kind: 'reply', ...place, outcome: { status: 'error', error } };
}
