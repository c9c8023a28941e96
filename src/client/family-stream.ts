// What the agents of an actor stream, with those of all that it starts: the actor and each of its children are watched, which says which
// children there are, and the stream of each is read beside the others. A child that has ended before is not found any more.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActorAddress, formatAddress } from '../contract/address.ts';
import { QuorateError } from '../contract/errors.ts';
import type { StreamItem } from '../contract/stream.ts';
import type { ChildActor } from '../contract/wire.ts';

/** Of a child whose start is on its way. */
const START_PAUSES_MS = [100, 200, 400, 800];

export interface FamilyReader {
  readonly stream: (actor: ActorAddress, signal: AbortSignal) => AsyncGenerator<StreamItem, void>;
  /** Its children, as often as something happens to it, until it ends. */
  readonly children: (
    actor: ActorAddress,
    signal: AbortSignal,
  ) => AsyncGenerator<readonly ChildActor[], void>;
}

/** One stream, or the children of one actor. */
interface Source {
  readonly next: () => Promise<Step>;
  readonly close: () => Promise<unknown>;
}

type Step = StreamItem | readonly ChildActor[] | 'over';

export async function* readFamily(
  root: ActorAddress,
  reader: FamilyReader,
  given: AbortSignal | undefined,
): AsyncGenerator<StreamItem, void, undefined> {
  const over = new AbortController();
  const signal = given === undefined ? over.signal : AbortSignal.any([given, over.signal]);
  const known = new Set<string>();
  const waiting = new Map<Source, Promise<readonly [Source, Step]>>();
  const sources = new Set<Source>();
  const pull = (source: Source): void => {
    sources.add(source);
    waiting.set(
      source,
      source.next().then((step) => [source, step] as const),
    );
  };
  const add = (actor: ActorAddress, isRoot: boolean): void => {
    const name = formatAddress(actor);
    if (known.has(name)) return;
    known.add(name);
    pull(streamOf(actor, name, reader, signal, isRoot));
    pull(childrenOf(actor, reader, signal, isRoot));
  };
  try {
    add(root, true);
    while (waiting.size > 0) {
      const [source, step] = await Promise.race(waiting.values());
      waiting.delete(source);
      if (step === 'over') {
        sources.delete(source);
        continue;
      }
      if (isChildren(step)) for (const child of step) add(child, false);
      else yield step;
      pull(source);
    }
  } finally {
    over.abort();
    for (const next of waiting.values()) next.catch(() => {});
    await Promise.allSettled([...sources].map(({ close }) => close()));
  }
}

function isChildren(step: StreamItem | readonly ChildActor[]): step is readonly ChildActor[] {
  return Array.isArray(step);
}

function streamOf(
  actor: ActorAddress,
  name: string,
  reader: FamilyReader,
  signal: AbortSignal,
  isRoot: boolean,
): Source {
  const items = reader.stream(actor, signal);
  return {
    next: async () => {
      const item = await items.next().catch(unlessChild(isRoot, signal));
      return item === undefined || item.done === true ? 'over' : { ...item.value, actor: name };
    },
    close: () => items.return(),
  };
}

function childrenOf(actor: ActorAddress, reader: FamilyReader, signal: AbortSignal, isRoot: boolean): Source {
  let told = reader.children(actor, signal);
  const pauses = [...START_PAUSES_MS];
  const next = async (): Promise<Step> => {
    try {
      const { done, value } = await told.next();
      return done === true ? 'over' : value;
    } catch (thrown) {
      const pause = pauses.shift();
      const isMissing = thrown instanceof QuorateError && thrown.code === 'ACTOR_NOT_FOUND';
      if (!isMissing || pause === undefined || signal.aborted)
        return unlessChild(isRoot, signal)(thrown) ?? 'over';
      await sleep(pause, undefined, { ref: false });
      told = reader.children(actor, signal);
      return next();
    }
  };
  return { next, close: () => told.return() };
}

/** A child that nobody hosts, or that too many watch, costs its pieces and not those of the others. */
function unlessChild(isRoot: boolean, signal: AbortSignal): (thrown: unknown) => undefined {
  return (thrown) => {
    if (isRoot || signal.aborted) throw thrown;
  };
}
