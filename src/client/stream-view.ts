// What a reader of streams is given, from the rows of the store in their order. Pure: the same rows give the same items, wherever a
// reader begins, so that one that comes back misses nothing and gets nothing twice. Of a child and branch the newest attempt
// counts; what an earlier one still says is left out.
import { lifeOf, withoutLife } from '../actors/protocol/ids.ts';
import { formatOffset, type StreamOffset } from '../actors/protocol/streams.ts';
import type { StoredRow, StreamEntry, StreamItem, StreamRun } from '../contract/stream.ts';

interface Current {
  readonly run: StreamRun;
  /** Number of the piece that is expected. */
  next: number;
  isOpen: boolean;
}

export class StreamView {
  /** Of this life alone; '' where it is not known. */
  readonly #life: string;
  readonly #current = new Map<string, Current>();
  /** Runs that another one has taken the place of. */
  readonly #over = new Set<string>();

  constructor(life: string) {
    this.#life = life;
  }

  /** Whether somebody streams now, as far as is known. */
  get isOpen(): boolean {
    for (const { isOpen } of this.#current.values()) if (isOpen) return true;
    return false;
  }

  /** What of a row is new to a reader that has all up to `after`. */
  take({ at, row }: StoredRow, after?: StreamOffset): StreamItem[] {
    const items: StreamItem[] = [];
    let index = -1;
    for (const { run, entries } of row) {
      for (const entry of entries) {
        index++;
        const item = this.#isOurs(run) ? this.#apply(run, entry) : undefined;
        if (item === undefined || isKnown(at, index, after)) continue;
        const { child, branch, attempt } = run;
        const offset = formatOffset({ life: this.#life, at, index });
        items.push({ ...item, child, ...(branch === undefined ? {} : { branch }), attempt, offset });
      }
    }
    return items;
  }

  #isOurs({ execution }: StreamRun): boolean {
    return this.#life === '' || lifeOf(execution) === this.#life;
  }

  #apply(run: StreamRun, entry: StreamEntry): Said | undefined {
    const key = `${run.branch ?? ''} ${run.child}`;
    let current = this.#current.get(key);
    const isFirst = current === undefined;
    if (current?.run.id !== run.id) {
      if (this.#over.has(run.id)) return undefined;
      if (current !== undefined && isBefore(run, current.run)) {
        this.#over.add(run.id);
        return undefined;
      }
      if (current !== undefined) this.#over.add(current.run.id);
      current = { run, next: 0, isOpen: true };
      this.#current.set(key, current);
      if ('begin' in entry && !isFirst) return { kind: 'restarted' };
    }
    return follow(current, entry);
  }
}

type Said = StreamItem extends infer T
  ? T extends StreamItem
    ? Omit<T, 'child' | 'branch' | 'attempt' | 'offset'>
    : never
  : never;

/** What was appended twice, since nobody knew whether it was, is known by its number. */
function follow(current: Current, entry: StreamEntry): Said | undefined {
  if ('begin' in entry) return undefined;
  if ('end' in entry) {
    if (!current.isOpen) return undefined;
    current.isOpen = false;
    return { kind: 'ended' };
  }
  const { n } = entry;
  if (n < current.next) return undefined;
  const isGap = 'gap' in entry;
  current.next = isGap ? n + entry.gap : n + 1;
  return isGap ? { kind: 'gap', n, count: entry.gap } : { kind: 'piece', n, value: entry.v };
}

/** An earlier attempt, or one that was asked for earlier: executions are numbered by the turn that asked, and in it. */
function isBefore(run: StreamRun, other: StreamRun): boolean {
  if (run.execution === other.execution) return run.attempt < other.attempt;
  const [turn, place] = numbers(run.execution);
  const [otherTurn, otherPlace] = numbers(other.execution);
  return turn < otherTurn || (turn === otherTurn && place < otherPlace);
}

function numbers(execution: string): readonly [turn: number, place: number] {
  const [turn = 0, place = 0] = withoutLife(execution).split('.').map(Number);
  return [turn, place];
}

function isKnown(at: number, index: number, after: StreamOffset | undefined): boolean {
  return after !== undefined && (at < after.at || (at === after.at && index <= after.index));
}
