// Large values: their references (claim checks), the stores behind them, and codecs of payloads.

import type { Json } from './json.ts';

/** A claim check: where a large JSON value lies. States and messages carry this instead of the value. */
export interface PayloadRef {
  readonly $payload: string;
  /** Bytes of the value's JSON text. */
  readonly bytes: number;
  /** Length, when the value is an array: a scatter fixes its count from it without reading the payload. */
  readonly count?: number;
  /** Signature by the key of the payload store. A reference without it counts within its own family only. */
  readonly sig?: string;
}

/** Whether a value is the reference of a stored payload, and not the value itself. */
export function isPayloadRef(value: unknown): value is PayloadRef {
  return typeof value === 'object' && value !== null && typeof (value as PayloadRef).$payload === 'string';
}

/** What agents see: JSON values under references. `put` is idempotent: the same value of the same actor, the same reference. */
export interface PayloadStore {
  put(value: Json): Promise<PayloadRef>;
  get(ref: PayloadRef): Promise<Json>;
}

/** Turns the bytes of payloads into others and back: encryption, another compression. Its name is stored with each payload. */
export interface PayloadCodec {
  /** 1 to 40 of a-z, 0-9, `.` and -; what reads old payloads must still be known by it. */
  readonly name: string;
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Where what was added begins, in bytes, as far as it is known. 'full': it takes no more, and never will. */
export type StorageAppend =
  | { readonly kind: 'added'; readonly at: number | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'full' };

/** Where bytes lie: a folder, or a container of Blob storage. Paths are segments of [A-Za-z0-9._%-] joined by `/`. */
export interface Storage {
  /** Whole or not at all, also after a crash; what was there is replaced. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Gives false where something is already, which stays as it is. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  read(path: string): Promise<Uint8Array | undefined>;
  /** Adds to what is there; with `isNew` also where nothing is. */
  append(path: string, bytes: Uint8Array, isNew: boolean): Promise<StorageAppend>;
  /** From a byte on, at most so many; undefined where nothing is. */
  readFrom(path: string, offset: number, count: number): Promise<Uint8Array | undefined>;
  /** Does nothing where nothing is. */
  remove(path: string): Promise<void>;
  /** Removes everything below. */
  removeFolder(path: string): Promise<void>;
  list(folder: string): AsyncIterable<{ readonly path: string; readonly writtenAt: number }>;
}

/** Signs what a message says of the payload store, by a key that lies in the store. */
export interface Seal {
  sign(...parts: readonly string[]): string;
  isSigned(mac: unknown, ...parts: readonly string[]): boolean;
}

/** The claim check of the runtime itself: values in folders that are removed with their owners. */
export interface Payloads {
  /** First segment of every path: payloads of another namespace are never touched. */
  readonly scope: string;
  put(folder: string, name: string, value: Json): Promise<PayloadRef>;
  /** Throws PAYLOAD_NOT_FOUND, PAYLOAD_UNREADABLE, or what the storage threw. */
  get(ref: PayloadRef): Promise<Json>;
  remove(ref: PayloadRef): Promise<void>;
  removeFolder(folder: string): Promise<void>;
  /** One read of the store, the first time. Throws what the storage threw. */
  seal(): Promise<Seal>;
}

/**
 * Marks of work that nobody waits for, shared by all processes. They lie apart from results and payloads: a purge keeps
 * them.
 */
export interface CancellationStore {
  /** A mark that is there stays. `until` and `now` in epoch ms: after `until` nothing depends on it, and it may be removed. */
  put(marks: readonly string[], until: number, now: number): Promise<void>;
  /** Gives those that are there. */
  find(marks: readonly string[]): Promise<readonly string[]>;
}

/** One task as its claim names it: marks of its asker's life and execution (actors/protocol/lineage.ts), and its own key. */
export interface ClaimedTask {
  readonly life: string;
  readonly execution: string;
  readonly key: string;
}

/** Which process runs which task, and until when each process lives, shared by all. Kept only where an agent asks for it. */
export interface TaskClaimStore {
  /** Who has it; undefined where nobody has. */
  ownerOf(task: ClaimedTask): Promise<string | undefined>;
  /** Gives who has it: `process`, where nobody had it. */
  take(task: ClaimedTask, process: string): Promise<string>;
  /** As `take`, for a task whose process is gone. */
  takeOver(task: ClaimedTask, from: string, process: string): Promise<string>;
  /** Does nothing where another has it. */
  drop(task: ClaimedTask, process: string): Promise<void>;
  /** Those that run something of an execution, or of a whole life. */
  processesOf(life: string, execution?: string): Promise<readonly string[]>;
  /** Epoch ms. */
  setAlive(process: string, until: number): Promise<void>;
  /** The process ends, and has dropped all that it had. */
  forget(process: string): Promise<void>;
  aliveUntil(process: string): Promise<number | undefined>;
}

/** Results of tasks under their idempotency keys, in the folder of whom they belong to, stored before the reply leaves. */
export interface ResultStore {
  get(folder: string, key: string): Promise<Json | undefined>;
  put(folder: string, key: string, value: Json): Promise<void>;
  /** Those of this folder itself, in no order; large ones may be left out. */
  list(folder: string): Promise<readonly Json[]>;
}
