/** What happened since the start, by name; tests and the status command read it. */
export class Counters {
  readonly #counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
