// What the thread of the index is asked, as one table of calls: each is answered, or fails with a message.
import type { Json } from '../../contract/json.ts';
import type { IndexRecord } from '../../contract/records.ts';
import type {
  ActorDetail,
  ActorFilter,
  ActorPage,
  ActorQuery,
  AttentionGroup,
  CostLine,
  Living,
  ProcessRow,
  StateCount,
  TypeSummary,
} from '../protocol.ts';

export interface IndexThreadData {
  /** Absolute path of the file. */
  readonly file: string;
  /** Only look, also where nobody writes. */
  readonly readOnly: boolean;
}

export interface IndexCalls {
  readonly mode: () => 'writing' | 'reading';
  readonly apply: (records: readonly IndexRecord[], now: number) => void;
  readonly forget: (addresses: readonly string[], seenBefore: number, now: number) => number;
  readonly trim: (now: number) => boolean;
  readonly saveView: (name: string, query: string | null) => void;
  readonly setMeta: (name: string, value: string) => void;
  readonly newestAt: () => number;
  readonly actors: (query: ActorQuery) => ActorPage;
  readonly count: (filter: ActorFilter) => number;
  readonly actor: (address: string) => ActorDetail | undefined;
  readonly types: (now: number) => readonly TypeSummary[];
  readonly states: (type: string, version?: string) => readonly StateCount[];
  readonly definition: (type: string, version?: string) => Json | undefined;
  readonly processes: (now: number) => readonly ProcessRow[];
  readonly attention: (now: number) => readonly AttentionGroup[];
  readonly costs: (by: 'type' | 'tenant' | 'run', since: number) => readonly CostLine[];
  readonly living: () => Living;
  readonly views: () => readonly { readonly name: string; readonly query: string }[];
  readonly meta: (name: string) => string | undefined;
  readonly unseen: (addresses: readonly string[], since: number) => readonly string[];
  readonly known: (type: string, after: string, limit: number) => readonly string[];
  readonly bytes: () => number;
  readonly close: () => void;
}

export interface IndexCall {
  readonly id: number;
  readonly name: keyof IndexCalls;
  readonly args: readonly unknown[];
}

export interface IndexAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The same calls from another thread. */
export type IndexHandle = {
  readonly [N in keyof IndexCalls]: (
    ...args: Parameters<IndexCalls[N]>
  ) => Promise<Awaited<ReturnType<IndexCalls[N]>>>;
};
