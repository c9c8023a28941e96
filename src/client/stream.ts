// Follows what the agents of one actor stream. The store has it all, in order; what readers are told only makes it quick: it is taken
// where it follows what the reader has, and everything else is read from the store, a page at a time, when the reader wants more. So
// a slow reader costs no memory. Of the actor it asks whether it lives, at first and when a stream has ended: no turn, no commit. Where
// nothing more is streamed for a second it asks to be told of its end.
import { inLife, lifeOf } from '../actors/protocol/ids.ts';
import { parseOffset, type StreamNews } from '../actors/protocol/streams.ts';
import { abortError, throwIfAborted } from '../common/signals.ts';
import { QuorateError } from '../contract/errors.ts';
import type { StoredRow, StreamItem, StreamStore } from '../contract/stream.ts';
import type { Following, Life } from './ends.ts';
import { StreamView } from './stream-view.ts';

/** A reader that has died is told for so long. */
const LEASE_MS = 30_000;
/** What may have been missed is looked for as often; at first more often, while writers do not know of a new reader. */
const LOOK_MS = 2_000;
const FIRST_LOOK_MS = 250;
const FIRST_MS = 1_500;
/** Rows that a reader who is slow has in hand; beyond it they are read from the store. */
const MAX_UNREAD = 64;
/** An actor that is not there yet is asked for again: it may be started at the same time. */
const START_PAUSES_MS = [100, 200, 400, 800, 500];
/** While nothing is streamed: its end often follows that of a stream. Then the actor is asked to tell it. */
const ASK_PAUSES_MS = [0, 100, 300, 600];
/** Where it does not tell. */
const ASK_AGAIN_MS = 10_000;
/** Of these, where nothing was streamed yet. */
const FIRST_PAUSE = 3;
/** While something is streamed it lives; perhaps what streams has died. */
const ASK_OPEN_MS = 30_000;

export interface StreamReaderOptions {
  readonly from: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly store: StreamStore;
  readonly place: string;
  /** Session of this client, as readers are told. */
  readonly session: string;
  readonly now: () => number;
  /** Throws ACTOR_NOT_FOUND, and what keeps the actor from answering. */
  readonly ask: () => Promise<Life>;
  /** Told of its end. Gives how to stop. */
  readonly follow: (following: Following) => () => void;
  /** Told rows of the place, until released. */
  readonly listen: (onNews: (news: StreamNews) => void) => {
    release(): void;
    readonly closed: Promise<unknown>;
  };
  /** Whether another stream of this client reads there too. */
  readonly isShared: () => boolean;
  /** How to end each stream of this client that is open. */
  readonly open: Set<() => Promise<void>>;
}

export async function* readStream(options: StreamReaderOptions): AsyncGenerator<StreamItem, void, undefined> {
  const { signal, store, place, session, now, listen, open } = options;
  throwIfAborted(signal);
  const given = options.from === undefined ? undefined : parseOffset(options.from);
  const life = await firstAnswer(options);
  const tag = lifeOf(inLife('', life.incarnation));
  const after = given?.life === tag ? given : undefined;
  const view = new StreamView(tag);
  const bell = createBell();
  const unread: StoredRow[] = [];
  let head = 0;
  /** The store may have more than `head` and what is unread. */
  let isBehind = true;
  let isLooking = false;
  let isOver = !life.isActive;
  /** Ended by its client. */
  const closing = new AbortController();

  const onNews = ({ from, at, row }: StreamNews): void => {
    const last = unread.at(-1)?.at ?? head;
    if (at <= last) return;
    if (isBehind || isLooking || row === undefined || from > last || unread.length >= MAX_UNREAD)
      isBehind = true;
    else unread.push({ at, row });
    bell.ring();
  };
  const onAbort = (): void => bell.fail(abortError(signal?.reason));
  const listening = listen(onNews);
  void listening.closed.then((reason) => bell.fail(reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  const attend = (): Promise<void> => store.attend(place, session, now() + LEASE_MS);
  // Who is not told looks by itself.
  const renewal = setInterval(() => void attend().catch(() => {}), LEASE_MS / 3);
  const questions = createQuestions(options, life, () => {
    isOver = true;
    isBehind = true;
    bell.ring();
  });
  const letGo = (): void => {
    clearInterval(renewal);
    questions.end();
    signal?.removeEventListener('abort', onAbort);
    listening.release();
    open.delete(close);
  };
  const leave = async (): Promise<void> => {
    if (!options.isShared()) await store.leave(place, session).catch(() => {});
  };
  const close = async (): Promise<void> => {
    letGo();
    closing.abort();
    bell.ring();
    await leave();
  };
  open.add(close);
  try {
    await attend();
    const firstUntil = performance.now() + FIRST_MS;
    while (!closing.signal.aborted) {
      bell.check();
      const rows = unread.length > 0 ? unread.splice(0) : isBehind ? await look() : [];
      for (const row of rows) {
        head = row.at;
        for (const item of view.take(row, after)) {
          yield item;
          if (closing.signal.aborted) return;
          bell.check();
        }
        questions.streamed(view.isOpen);
      }
      if (rows.length > 0 || isBehind) continue;
      if (isOver) return;
      if (await bell.quietFor(performance.now() < firstUntil ? FIRST_LOOK_MS : LOOK_MS)) isBehind = true;
    }
  } finally {
    if (!closing.signal.aborted) {
      letGo();
      await leave();
    }
  }

  /** A page of the store. One without rows says that there are no more, unless one is told meanwhile. */
  async function look(): Promise<readonly StoredRow[]> {
    isBehind = false;
    isLooking = true;
    try {
      const rows = await store.read(place, head, now());
      if (rows.length > 0) isBehind = true;
      return rows;
    } finally {
      isLooking = false;
    }
  }
}

async function firstAnswer({ ask, signal }: StreamReaderOptions): Promise<Life> {
  for (const pause of [...START_PAUSES_MS, undefined]) {
    try {
      return await ask();
    } catch (thrown) {
      const isMissing = thrown instanceof QuorateError && thrown.code === 'ACTOR_NOT_FOUND';
      if (!isMissing || pause === undefined) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pause));
      throwIfAborted(signal);
    }
  }
  throw new Error('unreachable');
}

interface Questions {
  /** Something came; `isOpen`: more is under way. */
  streamed(isOpen: boolean): void;
  end(): void;
}

/** Finds out that the actor has ended, or that another life of it has begun. */
function createQuestions({ ask, follow }: StreamReaderOptions, life: Life, onOver: () => void): Questions {
  let timer: NodeJS.Timeout | undefined;
  let ended = !life.isActive;
  let next = FIRST_PAUSE;
  let unfollow: (() => void) | undefined;
  const end = (): void => {
    ended = true;
    clearTimeout(timer);
    unfollow?.();
  };
  const over = (): void => {
    if (ended) return;
    end();
    onOver();
  };
  const later = (ms: number): void => {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(() => void question(), ms).unref();
  };
  const isOver = ({ isActive, incarnation }: Life): boolean =>
    !isActive || (incarnation !== '' && life.incarnation !== '' && incarnation !== life.incarnation);
  const question = async (): Promise<void> => {
    try {
      if (isOver(await ask())) return over();
    } catch (thrown) {
      // No host answers now: it is asked again.
      if (thrown instanceof QuorateError && thrown.code === 'ACTOR_NOT_FOUND') return over();
    }
    askNext();
  };
  const askNext = (): void => {
    const pause = ASK_PAUSES_MS[next++];
    if (pause !== undefined) later(pause);
    else if (!ended) unfollow ??= follow({ onLife, onLost });
  };
  const onLife = (told: Life): void => {
    if (isOver(told)) over();
  };
  const onLost = (): void => {
    unfollow = undefined;
    later(ASK_AGAIN_MS);
  };
  askNext();
  return {
    streamed: (isOpen) => {
      next = 0;
      if (isOpen) later(ASK_OPEN_MS);
      else askNext();
    },
    end,
  };
}

interface Bell {
  ring(): void;
  fail(error: unknown): void;
  /** Throws what it failed with. */
  check(): void;
  /** Waits until it rings, at most so long; true where it did not. */
  quietFor(ms: number): Promise<boolean>;
}

function createBell(): Bell {
  let failure: { readonly error: unknown } | undefined;
  let rung = false;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  return {
    ring,
    fail: (error) => {
      failure ??= { error };
      ring();
    },
    check: () => {
      if (failure !== undefined) throw failure.error;
    },
    quietFor: async (ms) => {
      if (!rung) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, ms).unref();
        });
        clearTimeout(timer);
        wake = undefined;
      }
      const wasRung = rung;
      rung = false;
      return !wasRung;
    },
  };
}
