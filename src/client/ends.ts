// Follows the ends of actors for the readers of their streams: the actor is asked once to tell its end, for each client and not for each
// of its readers, and again before that is forgotten. It costs the actor one commit a minute, while there is somebody to tell.
import { randomUUID } from 'node:crypto';
import { type ActorAddress, formatAddress } from '../contract/address.ts';
import type { AnswerBody } from '../contract/wire.ts';
import type { Listening, Requests } from '../mailbox/requests.ts';

/** An actor tells a client that has died for so long, which is one message at its end. */
const LEASE_MS = 120_000;
const RENEW_MS = LEASE_MS / 2;

/** What an actor says of itself. */
export interface Life {
  readonly isActive: boolean;
  /** '' where its host does not say it. */
  readonly incarnation: string;
}

const GONE: Life = { isActive: false, incarnation: '' };

/** Undefined for what says nothing of it. */
export function lifeIn(body: AnswerBody): Life | undefined {
  // The second is of a host that does not know that only the end is wanted.
  if (body.answer === 'life' || body.answer === 'transitions')
    return { isActive: body.status === 'active', incarnation: body.incarnation };
  // Of a host that does not know brief queries.
  if (body.answer === 'snapshot') return { isActive: body.snapshot.status === 'active', incarnation: '' };
  if (body.answer === 'error' && body.error.code === 'ACTOR_NOT_FOUND') return GONE;
  return undefined;
}

export interface Following {
  /** Told the life now and its end; nothing more after `onLost`. */
  readonly onLife: (life: Life) => void;
  /** It does not tell: there are too many to tell, it is gone, or the request could not be sent. */
  readonly onLost: () => void;
}

export interface Ends {
  /** Gives how to stop. */
  follow(actor: ActorAddress, following: Following): () => void;
}

interface Followed {
  readonly followers: Set<Following>;
  readonly listening: Listening;
  readonly renewal: NodeJS.Timeout;
}

export interface EndsOptions {
  readonly requests: Pick<Requests, 'listen'>;
  /** Asks the actor to tell its end for so long (ms), under this correlation id. */
  readonly request: (actor: ActorAddress, correlationId: string, leaseMs: number) => Promise<void>;
}

export function createEnds({ requests, request }: EndsOptions): Ends {
  const followed = new Map<string, Followed>();

  const begin = (actor: ActorAddress, name: string): Followed => {
    const correlationId = randomUUID();
    const drop = (): void => {
      clearInterval(one.renewal);
      one.listening.release();
      if (followed.get(name) === one) followed.delete(name);
    };
    const lose = (): void => {
      drop();
      for (const { onLost } of one.followers) onLost();
    };
    const ask = (): void => void request(actor, correlationId, LEASE_MS).catch(lose);
    const onBody = (body: AnswerBody): void => {
      const life = lifeIn(body);
      if (life === undefined) return lose();
      if (!life.isActive) drop();
      for (const { onLife } of one.followers) onLife(life);
    };
    // One that nobody follows any more is kept as long as the actor remembers it: the next reader costs nothing.
    const renew = (): void => (one.followers.size > 0 ? ask() : drop());
    const one: Followed = {
      followers: new Set(),
      listening: requests.listen(correlationId, onBody),
      renewal: setInterval(renew, RENEW_MS).unref(),
    };
    void one.listening.closed.then(drop);
    ask();
    return one;
  };

  return {
    follow: (actor, following) => {
      const name = formatAddress(actor);
      const one = followed.get(name) ?? begin(actor, name);
      followed.set(name, one);
      one.followers.add(following);
      return () => void one.followers.delete(following);
    },
  };
}
