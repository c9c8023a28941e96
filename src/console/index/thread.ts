// The thread that has the file of the index: SQLite answers while it stands still, and the main thread moves messages. One process writes
// a file; another one that opens it reads, and takes over when the writer is gone.
import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { IndexAnswer, IndexCall, IndexCalls, IndexThreadData } from './calls.ts';
import { IndexReader } from './reader.ts';
import { applySettings, createTables, hasFormat } from './schema.ts';
import { IndexWriter } from './writer.ts';

if (isMainThread || parentPort === null) throw new Error('this module runs in a worker thread only');
const port = parentPort;
const { file, readOnly } = workerData as IndexThreadData;
/** A writer that is gone is noticed so soon. */
const TAKE_OVER_MS = 5_000;

/** Held for as long as this process lives: the process that has it writes. */
function takeLock(): DatabaseSync | undefined {
  if (readOnly) return undefined;
  const lock = new DatabaseSync(`${file}-lock`);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch {
    lock.close();
    return undefined;
  }
}

function openToWrite(): DatabaseSync {
  for (const isSecond of [false, true]) {
    const db = new DatabaseSync(file);
    try {
      if (!hasFormat(db)) {
        if (!isNew(db)) throw new Error('another format');
        createTables(db);
      }
      applySettings(db);
      return db;
    } catch (error) {
      db.close();
      if (isSecond) throw error;
      // It is a projection: what was in it comes again.
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    }
  }
  throw new Error('unreachable');
}

function isNew(db: DatabaseSync): boolean {
  return Object.values(db.prepare('SELECT count(*) FROM sqlite_master').get() ?? {})[0] === 0;
}

function openToRead(): DatabaseSync | undefined {
  if (!existsSync(file)) return undefined;
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec('PRAGMA busy_timeout = 2000');
  if (hasFormat(db)) return db;
  db.close();
  return undefined;
}

class Index {
  #lock = takeLock();
  #db: DatabaseSync | undefined;
  #reader: IndexReader | undefined;
  #writer: IndexWriter | undefined;
  #triedAt = 0;

  constructor() {
    if (this.#lock !== undefined) this.#write();
  }

  readonly calls: IndexCalls = {
    mode: () => {
      if (this.#writer === undefined && Date.now() - this.#triedAt > TAKE_OVER_MS) this.#takeOver();
      return this.#writer === undefined ? 'reading' : 'writing';
    },
    apply: (records, now) => this.#writer?.apply(records, now),
    forget: (addresses, before, now) => this.#writer?.forget(addresses, before, now) ?? 0,
    trim: (now) => this.#writer?.trim(now) ?? false,
    saveView: (name, query) => this.#writer?.saveView(name, query),
    setMeta: (name, value) => this.#writer?.setMeta(name, value),
    newestAt: () => this.#writer?.newestAt ?? 0,
    actors: (query) => this.#read?.actors(query) ?? { rows: [], count: 0 },
    count: (filter) => this.#read?.count(filter) ?? 0,
    actor: (address) => this.#read?.actor(address),
    types: (now) => this.#read?.types(now) ?? [],
    states: (type, version) => this.#read?.states(type, version) ?? [],
    definition: (type, version) => this.#read?.definition(type, version),
    processes: (now) => this.#read?.processes(now) ?? [],
    attention: (now) => this.#read?.attention(now) ?? [],
    costs: (by, since) => this.#read?.costs(by, since) ?? [],
    living: () => this.#read?.living() ?? { states: [], machines: [] },
    views: () => this.#read?.views() ?? [],
    meta: (name) => this.#read?.meta(name),
    unseen: (addresses, since) => this.#read?.unseen(addresses, since) ?? [...addresses],
    known: (type, after, limit) => this.#read?.known(type, after, limit) ?? [],
    bytes: () => this.#read?.bytes() ?? 0,
    close: () => {
      this.#db?.close();
      this.#lock?.close();
    },
  };

  /** The file may not be there yet: its writer has just begun. */
  get #read(): IndexReader | undefined {
    if (this.#reader !== undefined) return this.#reader;
    this.#db = openToRead();
    if (this.#db !== undefined) this.#reader = new IndexReader(this.#db);
    return this.#reader;
  }

  #takeOver(): void {
    this.#triedAt = Date.now();
    this.#lock = takeLock();
    if (this.#lock === undefined) return;
    this.#db?.close();
    this.#write();
  }

  #write(): void {
    this.#db = openToWrite();
    this.#writer = new IndexWriter(this.#db);
    this.#reader = new IndexReader(this.#db);
  }
}

const index = new Index();

port.on('message', ({ id, name, args }: IndexCall) => {
  let answer: IndexAnswer;
  try {
    const call = index.calls[name] as (...given: readonly unknown[]) => unknown;
    answer = { id, value: call(...args) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  port.postMessage(answer);
  if (name === 'close') port.close();
});
