// The index is a projection: whatever order records come in, and however often, it ends as the newest of each actor says, and a forgotten
// actor stays forgotten.
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexReader } from '../../../../src/console/index/reader.ts';
import { createTables } from '../../../../src/console/index/schema.ts';
import { IndexWriter, RETENTION } from '../../../../src/console/index/writer.ts';
import type { GoneRecord, IndexRecord } from '../../../../src/contract/records.ts';
import { NOW, record } from '../../../kit/records.ts';

function open(): { writer: IndexWriter; reader: IndexReader; db: DatabaseSync } {
  const db = new DatabaseSync(':memory:');
  createTables(db);
  return { writer: new IndexWriter(db), reader: new IndexReader(db), db };
}

/** A history of some actors: lives, each of some commits, each life perhaps ended by being forgotten. */
const history = fc
  .array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      commits: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      isForgotten: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((lives) =>
    lives.flatMap(({ id, commits, isForgotten }, at): IndexRecord[] => {
      const life = at + 1;
      let turn = 0;
      const records: IndexRecord[] = commits.map((turns, commit) => {
        const prevTurn = turn;
        turn += turns;
        return record({
          id,
          life,
          revision: commit + 1,
          prevTurn,
          turn,
          value: `s${life}.${commit}`,
          at: NOW + at * 100 + commit,
          steps: Array.from({ length: turns }, (_, n) => ({ turn: prevTurn + n + 1, event: 'E', to: 's' })),
        });
      });
      const gone: GoneRecord = { kind: 'gone', type: 'order', id, life, revision: 100, at: NOW };
      return isForgotten ? [...records, gone] : records;
    }),
  );

describe('the index', () => {
  it('ends as the newest record says, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(
        history.chain((records) =>
          fc.tuple(
            fc.constant(records),
            fc.shuffledSubarray([...records, ...records], {
              minLength: records.length * 2,
              maxLength: records.length * 2,
            }),
          ),
        ),
        ([inOrder, shuffled]) => {
          const [right, told] = [open(), open()];
          right.writer.apply(inOrder, NOW);
          for (const one of shuffled) told.writer.apply([one], NOW);
          for (const id of ['a', 'b', 'c']) {
            expect(told.reader.actor(`order/${id}`)).toEqual(right.reader.actor(`order/${id}`));
            const newest = inOrder.findLast((one) => 'id' in one && one.id === id);
            const found = told.reader.actor(`order/${id}`);
            if (newest?.kind === 'actor') {
              expect(found?.actor.value).toBe(newest.value);
              expect(found?.gaps).toEqual([]);
            } else expect(found).toBeUndefined();
          }
        },
      ),
    );
  });

  it('shows the turns that it was not told of as gaps', () => {
    const { writer, reader } = open();
    writer.apply([record({ turn: 2 }), record({ revision: 5, prevTurn: 6, turn: 8, steps: [] })], NOW);
    expect(reader.actor('order/7')?.gaps).toEqual([{ after: 2, to: 6 }]);
    writer.apply([record({ revision: 3, prevTurn: 2, turn: 6, steps: [] })], NOW);
    expect(reader.actor('order/7')?.gaps).toEqual([]);
  });

  it('shows steps that were too many to be told as a gap', () => {
    const { writer, reader } = open();
    const steps = [{ turn: 40, event: 'E', to: 's' }];
    writer.apply([record({ turn: 40, prevTurn: 0, steps, moreSteps: 39 })], NOW);
    expect(reader.actor('order/7')?.gaps).toEqual([{ after: 0, to: 39 }]);
  });

  it('puts children below the root, also where they come before their parents', () => {
    const { writer, reader } = open();
    writer.apply(
      [
        record({ id: 'grandchild', parent: 'order/child' }),
        record({ id: 'child', parent: 'order/root' }),
        record({ id: 'root' }),
      ],
      NOW,
    );
    expect(reader.actors({ root: 'order/root' }).count).toBe(3);
    expect(reader.actor('order/grandchild')?.ancestors.map(({ address }) => address)).toEqual([
      'order/root',
      'order/child',
    ]);
  });

  it('finds by any part of an address, and does not find what was forgotten', () => {
    const { writer, reader } = open();
    writer.apply([record({ id: 'the "blue" one' })], NOW);
    expect(reader.actors({ text: '"blue"' }).count).toBe(1);
    expect(reader.actors({ text: 'blue" OR "x' }).count).toBe(0);
    writer.apply(
      [{ kind: 'gone', type: 'order', id: 'the "blue" one', life: 10, revision: 2, at: NOW }],
      NOW,
    );
    expect(reader.actors({ text: '"blue"' }).count).toBe(0);
  });

  it('keeps the newest steps of an actor, and ended actors for their time', () => {
    const { writer, reader, db } = open();
    for (let turn = 1; turn <= 1_200; turn++)
      writer.apply(
        [record({ revision: turn, turn, prevTurn: turn - 1, steps: [{ turn, event: 'E', to: 's' }] })],
        NOW,
      );
    const [row] = db.prepare('SELECT count(*) AS n FROM step').all();
    expect(Number(row?.['n'])).toBeLessThanOrEqual(RETENTION.steps + 100);
    writer.apply([record({ revision: 2_000, turn: 1_200, status: 'done', endedAt: NOW })], NOW);
    writer.trim(NOW + RETENTION.endedMs - 1);
    expect(reader.actor('order/7')).toBeDefined();
    writer.trim(NOW + RETENTION.endedMs + 1);
    expect(reader.actor('order/7')).toBeUndefined();
  });
});
