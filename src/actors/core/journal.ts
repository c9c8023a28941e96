// A map whose changes can be taken back: an input that is rejected leaves no trace, at the cost of what it changed.

export class Journal {
  #undo: (() => void)[] = [];

  record(undo: () => void): void {
    this.#undo.push(undo);
  }

  forget(): void {
    this.#undo = [];
  }

  takeBack(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#undo = [];
  }
}

export class Table<T> {
  readonly #rows: Map<string, T>;
  readonly #journal: Journal;
  #changed = false;

  constructor(rows: Readonly<Record<string, T>>, journal: Journal) {
    this.#rows = new Map(Object.entries(rows));
    this.#journal = journal;
  }

  get(key: string): T | undefined {
    return this.#rows.get(key);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#rows.entries();
  }

  set(key: string, row: T): void {
    const before = this.#rows.get(key);
    this.#changed = true;
    this.#rows.set(key, row);
    this.#journal.record(() => {
      if (before === undefined) this.#rows.delete(key);
      else this.#rows.set(key, before);
    });
  }

  delete(key: string): void {
    const before = this.#rows.get(key);
    if (before === undefined) return;
    this.#changed = true;
    this.#rows.delete(key);
    this.#journal.record(() => this.#rows.set(key, before));
  }

  /** The rows as they go into the state; `original` itself when nothing was ever changed. */
  toRecord(original: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
    return this.#changed ? Object.fromEntries(this.#rows) : original;
  }
}
