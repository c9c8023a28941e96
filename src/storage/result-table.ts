// Results of tasks as rows of the SQLite file that all hosts of a data folder share. A task asks for its result and stores it: as a
// file each that takes ten times the processor time. Only the large ones are files.
import type { StatementSync } from 'node:sqlite';
import type { ResultStore } from '../contract/payload.ts';
import type { Database } from './database.ts';
import { type Packing, packJson, unpackJson } from './packing.ts';

/** A larger result would cost more as pages of a table than as a file. */
const MAX_ROW_BYTES = 16 * 1024;

export class ResultTable implements ResultStore {
  readonly #db: Database;
  readonly #packing: Packing;
  readonly #large: ResultStore;
  readonly #select: StatementSync;
  readonly #all: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  /** `large` takes what a row is too small for. */
  constructor(db: Database, packing: Packing, large: ResultStore) {
    this.#db = db;
    this.#packing = packing;
    this.#large = large;
    this.#select = db.prepare('SELECT packed FROM result WHERE folder = ? AND key = ?');
    this.#all = db.prepare('SELECT packed FROM result WHERE folder = ? AND packed IS NOT NULL');
    this.#insert = db.prepare('INSERT OR REPLACE INTO result VALUES (?, ?, ?)');
    // Between "/" and "0" lies everything below a folder.
    this.#delete = db.prepare(
      "DELETE FROM result WHERE folder = ?1 OR (folder > ?1 || '/' AND folder < ?1 || '0')",
    );
  }

  async get(folder: string, key: string): ReturnType<ResultStore['get']> {
    const row = await this.#db.now(
      () => this.#select.get(folder, key) as { packed: Uint8Array | null } | undefined,
    );
    if (row === undefined) return undefined;
    return row.packed === null ? this.#large.get(folder, key) : unpackJson(this.#packing, row.packed);
  }

  async put(...[folder, key, value]: Parameters<ResultStore['put']>): Promise<void> {
    let packed: Uint8Array | null = await packJson(this.#packing, value);
    if (packed.length > MAX_ROW_BYTES) {
      await this.#large.put(folder, key, value);
      packed = null;
    }
    await this.#db.together(() => void this.#insert.run(folder, key, packed));
  }

  async list(folder: string): ReturnType<ResultStore['list']> {
    const rows = await this.#db.now(() => this.#all.all(folder) as { packed: Uint8Array }[]);
    return Promise.all(rows.map(({ packed }) => unpackJson(this.#packing, packed)));
  }

  async removeFolder(folder: string): Promise<void> {
    await this.#db.now(() => this.#delete.run(folder));
  }
}
