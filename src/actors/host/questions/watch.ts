// Requests to watch an actor: begin a watch, renew or end it. Harmless to repeat: one that is not recorded as applied is a renewal
// of itself.
import type { ActorAddress } from '../../../contract/address.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import { type AnswerBody, PROPERTY } from '../../../contract/wire.ts';
import { answer, notFound, tracedWith } from '../commit/verdicts.ts';
import type { HeldActor } from '../held-actor.ts';
import { sendAnswers } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import type { WatchRequest } from '../sort/sort.ts';
import { BOUNDS, type OutboxEntry, type SessionState, type Watcher } from '../state/session-state.ts';
import { actorTraceparent } from '../trace.ts';
import { current, describeSteps, lifeIn, shownOf, withWatchers } from './watchers.ts';

/** All requests of a batch share one commit and one send. */
export async function takeWatches(
  held: HeldActor,
  watches: readonly WatchRequest[],
): Promise<readonly Settlement[]> {
  const entries: OutboxEntry[] = [];
  let { state } = held;
  for (const request of watches) {
    const watched = watch(state, request, held.address, held.host.clock.now());
    state = watched.state;
    entries.push(...watched.answers);
  }
  if (state !== held.state) await held.commit(state);
  const own = actorTraceparent(state, held.address, state.core?.incarnation);
  await sendAnswers(held, entries.map(tracedWith(own)));
  return watches.map(({ message }) => completed(message));
}

interface Watched {
  /** The same object when nobody came or went. */
  readonly state: SessionState;
  readonly answers: readonly OutboxEntry[];
}

/** A lease of 0 ends the watch and is not answered. */
function watch(
  state: SessionState,
  { message, body: { asker, leaseMs } }: WatchRequest,
  actor: ActorAddress,
  now: number,
): Watched {
  const { core, watchers = [] } = state;
  const others = current(watchers, now).filter(({ to }) => !isSame(to, asker));
  if (leaseMs === 0)
    return { state: others.length === watchers.length ? state : withWatchers(state, others), answers: [] };
  if (core === null) return { state, answers: [notFound(message, asker, actor)] };
  const ends: { readonly ends?: true } = message.properties[PROPERTY.ends] === true ? { ends: true } : {};
  // Readers of streams take no place from those who watch.
  if (others.filter((other) => other.ends === ends.ends).length >= BOUNDS.watchers)
    return { state, answers: [answer(message, asker, TOO_MANY)] };
  const wanted: Pick<Watcher, 'progress' | 'children'> = {
    ...(message.properties[PROPERTY.progress] === true ? { progress: true } : {}),
    ...(message.properties[PROPERTY.children] === true ? { children: true } : {}),
  };
  const shown = shownOf(core, { actor, control: state.control, now, ...wanted });
  const told = ends.ends === true ? lifeIn(core) : describeSteps(core, [], shown);
  const answers = [answer(message, asker, told)];
  // An ended actor has no more transitions to tell.
  if (core.status !== 'active') return { state, answers };
  return {
    state: withWatchers(state, [...others, { to: asker, until: now + leaseMs, ...wanted, ...ends }]),
    answers,
  };
}

const TOO_MANY: AnswerBody = {
  kind: 'answer',
  answer: 'error',
  error: { code: 'QUOTA_EXCEEDED', message: `${BOUNDS.watchers} clients watch this actor already` },
};

function isSame(a: ReplyAddress, b: ReplyAddress): boolean {
  return a.sessionId === b.sessionId && a.correlationId === b.correlationId;
}
