// What a reader is given, as a law over all that writers may append: pieces, retries of an append, attempts that go on after another
// has begun, and readers that come back.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOffset } from '../../../src/actors/protocol/streams.ts';
import { StreamView } from '../../../src/client/stream-view.ts';
import type {
  StoredRow,
  StreamEntry,
  StreamItem,
  StreamRow,
  StreamRun,
} from '../../../src/contract/stream.ts';
import { createRandom } from '../../kit/random.ts';

const SEED = createRandom().seed;
console.info(`stream-view.test: QUORATE_TEST_SEED=${SEED}`);
const LIFE = '12345678';

interface Writer {
  readonly run: StreamRun;
  readonly entries: readonly StreamEntry[];
}

/** The attempts at one task, in the order in which they are begun. */
const attempts = (child: string, branch: number | undefined) =>
  fc
    .array(fc.record({ asks: fc.boolean(), pieces: fc.integer({ min: 0, max: 6 }), ends: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((given) => {
      let [turn, attempt] = [1, 0];
      return given.map(({ asks, pieces, ends }, at): Writer => {
        if (asks && at > 0) [turn, attempt] = [turn + 1, 0];
        attempt++;
        const run = {
          id: `${child}/${branch}/${at}`,
          child,
          ...(branch === undefined ? {} : { branch }),
          execution: `${turn}.0~${LIFE}`,
          attempt,
        };
        const values = Array.from({ length: pieces }, (_, n) =>
          n === 3 ? { n, gap: 2 } : { n: n > 3 ? n + 1 : n, v: `${run.id}#${n}` },
        );
        return { run, entries: [{ begin: true }, ...values, ...(ends ? [{ end: true as const }] : [])] };
      });
    });

/**
 * Rows of the store: each writer appends its own in order, a few at a time, and at times once more what it does not know to be stored.
 * Writers of a task begin one after the other, and earlier ones go on meanwhile.
 */
const log = fc
  .tuple(attempts('a', undefined), attempts('s', 0), attempts('s', 1), fc.nat())
  .map(([first, second, third, seed]): readonly StoredRow[] => {
    const random = createRandom(seed);
    const draw = (below: number): number => random.below(below);
    const waiting = [first, second, third].map((writers) => [...writers]);
    const busy: { readonly writer: Writer; at: number }[] = [];
    const rows: StoredRow[] = [];
    let at = 0;
    while (busy.length > 0 || waiting.some((writers) => writers.length > 0)) {
      const next = waiting[draw(waiting.length)]?.shift();
      if (next !== undefined) busy.push({ writer: next, at: 0 });
      const row: StreamRow[number][] = [];
      for (const one of busy.filter(() => draw(2) === 0)) {
        const { run, entries } = one.writer;
        const end = Math.min(entries.length, one.at + 1 + draw(3));
        row.push({ run, entries: entries.slice(one.at, end) });
        if (draw(5) > 0) one.at = end;
      }
      for (const done of busy.filter((each) => each.at >= each.writer.entries.length))
        busy.splice(busy.indexOf(done), 1);
      at += 1 + draw(3);
      if (row.length > 0) rows.push({ at, row });
    }
    return rows;
  });

function read(rows: readonly StoredRow[], from?: string): StreamItem[] {
  const view = new StreamView(LIFE);
  const after = from === undefined ? undefined : parseOffset(from);
  return rows.flatMap((row) => view.take(row, after));
}

const isOf = (item: StreamItem) => `${item.branch ?? ''} ${item.child}`;

describe('a reader', () => {
  it('that comes back at any item is given exactly what follows it', () => {
    fc.assert(
      fc.property(log, (rows) => {
        const whole = read(rows);
        for (const [at, { offset }] of whole.entries())
          expect(read(rows, offset)).toEqual(whole.slice(at + 1));
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it('is given each piece of the newest attempt once, in order, and told of what is void', () => {
    fc.assert(
      fc.property(log, (rows) => {
        const whole = read(rows);
        for (const source of new Set(whole.map(isOf))) {
          // What stands in the end is what the newest attempt has said, and nothing else.
          let text: unknown[] = [];
          let next = 0;
          for (const item of whole.filter((each) => isOf(each) === source)) {
            if (item.kind === 'restarted') [text, next] = [[], 0];
            if (item.kind === 'piece' || item.kind === 'gap') {
              expect(item.n).toBe(next);
              next += item.kind === 'gap' ? item.count : 1;
            }
            if (item.kind === 'piece') text.push(item.value);
          }
          const parts = rows
            .flatMap(({ row }) => row)
            .filter(({ run }) => `${run.branch ?? ''} ${run.child}` === source);
          const begun = parts.map(({ run }) => run).toSorted((a, b) => newer(a, b));
          const last = begun.at(-1)?.id;
          const values = parts
            .filter(({ run }) => run.id === last)
            .flatMap(({ entries }) => entries.flatMap((entry) => ('v' in entry ? [entry.v] : [])));
          expect(text).toEqual([...new Set(values)]);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('of one life is given nothing of another', () => {
    const run = { id: 'x', child: 'a', execution: '1.0~87654321', attempt: 1 };
    const rows = [{ at: 1, row: [{ run, entries: [{ begin: true as const }, { n: 0, v: 'old' }] }] }];
    expect(read(rows)).toEqual([]);
    expect(new StreamView('').take(rows[0] as StoredRow)).toHaveLength(1);
  });
});

function newer(a: StreamRun, b: StreamRun): number {
  return Number(a.execution.split('.')[0]) - Number(b.execution.split('.')[0]) || a.attempt - b.attempt;
}
