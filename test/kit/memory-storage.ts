// A storage in memory that can be looked into, and made to fail.
import { type Cancellations, createCancellations } from '../../src/actors/protocol/cancellations.ts';
import type { Payloads, ResultStore, Storage } from '../../src/contract/payload.ts';
import type { StreamStore } from '../../src/contract/stream.ts';
import { createCancellationFiles } from '../../src/storage/cancellations.ts';
import { createPacking } from '../../src/storage/packing.ts';
import { createPayloads, createResults } from '../../src/storage/payloads.ts';
import { createSealer } from '../../src/storage/seal.ts';
import { createStreamFiles } from '../../src/storage/stream-files.ts';

export interface MemoryStorage extends Storage {
  readonly files: Map<string, Uint8Array>;
  /** What it does next; set by tests that let it fail. */
  fail: ((operation: 'write' | 'read' | 'remove', path: string) => Error | undefined) | undefined;
}

export function memoryStorage(): MemoryStorage {
  const files = new Map<string, Uint8Array>();
  const tried = (operation: 'write' | 'read' | 'remove', path: string): void => {
    const error = storage.fail?.(operation, path);
    if (error !== undefined) throw error;
  };
  const storage: MemoryStorage = {
    files,
    fail: undefined,
    write: async (path, bytes) => {
      tried('write', path);
      files.set(path, bytes);
    },
    create: async (path, bytes) => {
      tried('write', path);
      if (files.has(path)) return false;
      files.set(path, bytes);
      return true;
    },
    read: async (path) => {
      tried('read', path);
      return files.get(path);
    },
    append: async (path, bytes, create) => {
      tried('write', path);
      const before = files.get(path) ?? (create ? new Uint8Array() : undefined);
      if (before === undefined) return { kind: 'missing' };
      files.set(path, Buffer.concat([before, bytes]));
      return { kind: 'added', at: before.length };
    },
    readFrom: async (path, offset, count) => {
      tried('read', path);
      return files.get(path)?.subarray(offset, offset + count);
    },
    remove: async (path) => {
      tried('remove', path);
      files.delete(path);
    },
    removeFolder: async (folder) => {
      tried('remove', folder);
      for (const path of files.keys()) if (path.startsWith(`${folder}/`)) files.delete(path);
    },
    list: async function* (folder) {
      for (const path of files.keys()) if (path.startsWith(`${folder}/`)) yield { path, writtenAt: 0 };
    },
  };
  return storage;
}

/** All of a test file are one store's; the key lies beside what they hold. */
const sealer = createSealer(memoryStorage(), 'test');

export function memoryPayloads(storage: Storage = memoryStorage()): Payloads {
  const payloads = createPayloads(storage, createPacking({ compress: true, codecs: [] }), 'test');
  return { ...payloads, seal: sealer };
}

export function memoryResults(storage: Storage = memoryStorage()): ResultStore {
  return createResults(storage, createPacking({ compress: false, codecs: [] }));
}

export function memoryStreams(storage: Storage = memoryStorage()): StreamStore {
  return createStreamFiles(storage, createPacking({ compress: false, codecs: [] }));
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** As in a process with its store on the same machine. */
export function memoryCancellations(clock = { now: () => 1_000_000 }): Cancellations {
  const store = createCancellationFiles(memoryStorage(), 'test');
  return createCancellations({ store, isLocal: true, clock, logger: SILENT });
}
