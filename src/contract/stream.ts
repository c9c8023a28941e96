// Pieces that agents stream to readers, past the actor: what a reader gets, and what lies in the store. A place is where the
// streams of one actor lie, in the order in which they were appended; a run is one attempt that streams.
import type { Json } from './json.ts';

/** Whose it is: an invoke (its id), the branch of a scatter, and the number of the attempt. */
interface StreamSource {
  /** With `children`: the actor whose agent it is, as `type/id`. */
  readonly actor?: string;
  readonly child: string;
  /** Absent for a plain task. */
  readonly branch?: number;
  readonly attempt: number;
  /** Where to continue: what follows this item. Opaque. */
  readonly offset: string;
}

/** What `client.stream` gives, in the order in which it was appended. */
export type StreamItem = StreamSource &
  (
    | {
        readonly kind: 'piece' /** Number of the piece in its attempt, from 0. */;
        readonly n: number;
        readonly value: Json;
      }
    /** `count` pieces from `n` on could not be stored. */
    | { readonly kind: 'gap'; readonly n: number; readonly count: number }
    /** What was given of this child and branch is void: another attempt streams, or the machine has asked again. */
    | { readonly kind: 'restarted' }
    /** Nothing follows of this child and branch; if its process died with the answer in hand, or the machine asks again, `restarted` does. */
    | { readonly kind: 'ended' }
  );

/** Of `client.stream`: where to begin, and what ends it. */
export interface StreamOptions {
  /** The offset of the last item that is known: what follows it is given. Default: from the beginning. */
  readonly from?: string;
  /**
   * Gives also what is streamed in actors that it has started, and in theirs: of those that have not ended when reading begins, and of all
   * that begin later. Cannot be continued (`from`).
   */
  readonly children?: boolean;
  readonly signal?: AbortSignal;
}

/** One attempt that streams. `id` is drawn: an attempt may be made again under its number. */
export interface StreamRun {
  readonly id: string;
  readonly child: string;
  readonly branch?: number;
  /** As on the wire: with the life of its asker. */
  readonly execution: string;
  readonly attempt: number;
}

export type StreamEntry =
  | { readonly begin: true }
  | { readonly n: number; readonly v: Json }
  | { readonly n: number; readonly gap: number }
  | { readonly end: true };

/** What is appended at a time: pieces of some runs of one actor. */
export type StreamRow = readonly {
  readonly run: StreamRun;
  readonly entries: readonly StreamEntry[];
}[];

export interface StoredRow {
  readonly at: number;
  readonly row: StreamRow;
}

export interface Appended {
  /** Where the row before it lies, at most: a reader that has that one misses nothing in between. 0: there is none. */
  readonly from: number;
  readonly at: number;
  /** Sessions of those who read there now. */
  readonly readers: readonly string[];
}

/** Pieces by place. What follows on a place lies at a greater number. */
export interface StreamStore {
  /** `text` is a row as JSON. It is kept until `until` (epoch ms), with all that `writer` has there. */
  append(place: string, row: AppendedRow, now: number): Promise<Appended>;
  /** The writer has ended there: all that it has there is kept until then. */
  expire(place: string, writer: string, until: number): Promise<void>;
  /** Rows behind `after`, in order; none: there are no more. */
  read(place: string, after: number, now: number): Promise<readonly StoredRow[]>;
  /** Somebody reads there until then; once more: for longer. */
  attend(place: string, session: string, until: number): Promise<void>;
  leave(place: string, session: string): Promise<void>;
  /** Removes some of what nobody is to find any more. */
  sweep(now: number): Promise<void>;
}

export interface AppendedRow {
  readonly text: string;
  readonly writer: string;
  readonly until: number;
}
