// The streams that one client reads: all are told in one session, and one entry in the store says of a place that this client reads
// there, whatever the number of its readers.
import { newsIn, placeTag, STREAM_ID, type StreamNews, streamPlace } from '../actors/protocol/streams.ts';
import type { ActorAddress } from '../contract/address.ts';
import { fromErrorJson } from '../contract/errors.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Clock } from '../contract/ports.ts';
import type { StreamItem, StreamOptions, StreamStore } from '../contract/stream.ts';
import type { AnswerBody } from '../contract/wire.ts';
import type { Listening, Requests } from '../mailbox/requests.ts';
import { type Ends, type Life, lifeIn } from './ends.ts';
import { readStream } from './stream.ts';

export interface StreamsOptions {
  readonly streams: () => Promise<StreamStore>;
  readonly payloads: Pick<Payloads, 'scope'>;
  readonly clock: Clock;
  readonly requests: Pick<Requests, 'askerOf' | 'listen'>;
  /** Asks an actor which life it is in. */
  readonly ask: (type: string, id: string, signal: AbortSignal | undefined) => Promise<AnswerBody>;
  readonly ends: Ends;
  /** How to end each stream that is open. */
  readonly open: Set<() => Promise<void>>;
}

export interface Streams {
  read(actor: ActorAddress, options: StreamOptions | undefined): AsyncGenerator<StreamItem, void, undefined>;
}

export function createStreams(options: StreamsOptions): Streams {
  const { streams, payloads, clock, requests, ask, ends, open } = options;
  /** By the tag of the place. */
  const readers = new Map<string, Set<(news: StreamNews) => void>>();
  let listening: Listening | undefined;

  const onBody = (body: AnswerBody): void => {
    if (body.answer !== 'outcome' || body.outcome.status !== 'done') return;
    for (const news of newsIn(body.outcome.output))
      for (const onNews of readers.get(news.tag) ?? []) onNews(news);
  };
  const listen = (tag: string, onNews: (news: StreamNews) => void): Listening => {
    listening ??= requests.listen(STREAM_ID, onBody);
    const others = readers.get(tag) ?? new Set();
    readers.set(tag, others.add(onNews));
    return {
      closed: listening.closed,
      release: () => {
        others.delete(onNews);
        if (others.size === 0) readers.delete(tag);
        if (readers.size > 0) return;
        listening?.release();
        listening = undefined;
      },
    };
  };

  return {
    read: async function* (actor, { from, signal } = {}) {
      const place = streamPlace(payloads.scope, actor);
      const tag = placeTag(place);
      yield* readStream({
        from,
        signal,
        store: await streams(),
        place,
        session: requests.askerOf(STREAM_ID).sessionId,
        now: () => clock.now(),
        ask: async () => lifeOf(await ask(actor.type, actor.id, signal)),
        follow: (following) => ends.follow(actor, following),
        listen: (onNews) => listen(tag, onNews),
        isShared: () => readers.has(tag),
        open,
      });
    },
  };
}

function lifeOf(body: AnswerBody): Life {
  const life = body.answer === 'error' ? undefined : lifeIn(body);
  if (life !== undefined) return life;
  throw body.answer === 'error' ? fromErrorJson(body.error) : new Error(`unexpected answer: ${body.answer}`);
}
