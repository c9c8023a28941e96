// Watchers of an actor: clients that follow its transitions. They lie in the state beside the core, each for a lease that
// the client renews; a batch of turns tells each of them in one message, which leaves with the batch's commit.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { Json } from '../../contract/json.ts';
import { MAX_BODY_BYTES } from '../../contract/sizes.ts';
import type { CoreState, StepReport } from '../../contract/turn.ts';
import type { AnswerBody, InboundMessage, TransitionsBody, WatchBody } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { ANSWER_TTL_MS } from '../protocol/answers.ts';
import { hashId } from '../protocol/ids.ts';
import { answer, notFound } from './answer.ts';
import { inspected } from './query.ts';
import type { OutboxEntry, SessionState, Watcher } from './session-state.ts';
import { BOUNDS } from './session-state.ts';

export interface Watched {
  /** The same object when nobody came or went. */
  readonly state: SessionState;
  readonly answers: readonly OutboxEntry[];
}

/** A lease of 0 ends the watch and is not answered. */
export function watch(
  state: SessionState,
  message: InboundMessage,
  { asker, leaseMs }: WatchBody,
  actor: ActorAddress,
  now: number,
): Watched {
  const { core, watchers = [] } = state;
  const others = current(watchers, now).filter(({ to }) => !isSame(to, asker));
  if (leaseMs === 0)
    return { state: others.length === watchers.length ? state : withWatchers(state, others), answers: [] };
  if (core === null) return { state, answers: [notFound(message, asker, actor)] };
  if (others.length >= BOUNDS.watchers) return { state, answers: [answer(message, asker, TOO_MANY)] };
  const answers = [answer(message, asker, describe(core, []))];
  // An ended actor has no more transitions to tell.
  if (core.status !== 'active') return { state, answers };
  return { state: withWatchers(state, [...others, { to: asker, until: now + leaseMs }]), answers };
}

const TOO_MANY: AnswerBody = {
  kind: 'answer',
  answer: 'error',
  error: { code: 'QUOTA_EXCEEDED', message: `${BOUNDS.watchers} clients watch this actor already` },
};

export function withWatchers(state: SessionState, watchers: readonly Watcher[]): SessionState {
  return watchers.length === 0 && state.watchers === undefined ? state : { ...state, watchers };
}

export function current(watchers: readonly Watcher[], now: number): readonly Watcher[] {
  return watchers.filter(({ until }) => until > now);
}

/** What every watcher is told of one batch. */
export function tellWatchers(
  watchers: readonly Watcher[],
  actor: ActorAddress,
  core: CoreState,
  steps: readonly StepReport[],
): OutboxEntry[] {
  if (watchers.length === 0 || (steps.length === 0 && core.status === 'active')) return [];
  const body = describe(core, steps) as unknown as Json;
  return watchers.map(({ to: { entity, sessionId, correlationId } }) => ({
    kind: 'message',
    message: {
      entity,
      sessionId,
      correlationId,
      subject: 'answer',
      timeToLiveMs: ANSWER_TTL_MS,
      messageId: hashId('watch', formatAddress(actor), core.incarnation, core.turn, sessionId, correlationId),
      properties: { [PROPERTY.format]: WIRE_FORMAT },
      body,
    },
  }));
}

/** What does not fit in one message is left out, the largest first: events' contents, then all but the last step, then the end's. */
function describe(core: CoreState, steps: readonly StepReport[]): TransitionsBody {
  const { status, value, output, error } = inspected(core);
  const { incarnation, turn } = core;
  const place = { kind: 'answer', answer: 'transitions', incarnation, turn, status, value } as const;
  const end = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
  const bare = steps.map((step) => ({ event: { type: step.event.type }, value: step.value }));
  const whole: TransitionsBody = { ...place, steps, ...end };
  const smaller: readonly TransitionsBody[] = [
    { ...place, steps: bare, ...end },
    { ...place, steps: bare.slice(-1), ...end },
    { ...place, steps: bare.slice(-1) },
  ];
  return [whole, ...smaller].find(fits) ?? { ...place, steps: [] };
}

function fits(body: TransitionsBody): boolean {
  return Buffer.byteLength(JSON.stringify(body)) <= MAX_BODY_BYTES;
}

function isSame(a: ReplyAddress, b: ReplyAddress): boolean {
  return a.sessionId === b.sessionId && a.correlationId === b.correlationId;
}
