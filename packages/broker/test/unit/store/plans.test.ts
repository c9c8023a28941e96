import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { messageStatements } from '../../../src/store/message-statements.ts';
import { SCHEMA } from '../../../src/store/schema.ts';
import { duplicateStatements, entityStatements, sessionStatements } from '../../../src/store/statements.ts';
import { Tallies } from '../../../src/store/tallies.ts';

/** Every statement as it is prepared, with what SQLite means to do for it. */
function plans(): Map<string, string[]> {
  const db = new DatabaseSync(':memory:');
  db.exec(SCHEMA);
  const found = new Map<string, string[]>();
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    found.set(
      sql,
      steps.map(({ detail }) => String(detail)),
    );
    return prepare(sql);
  };
  const tallies = new Tallies(db);
  messageStatements(db, tallies);
  sessionStatements(db, tallies);
  entityStatements(db, () => {});
  duplicateStatements(db);
  return found;
}

test('no statement reads a whole table, except for the list of entities', () => {
  const all = plans();
  expect(all.size).toBeGreaterThan(30);
  const scans = [...all]
    .flatMap(([sql, steps]) => steps.filter((step) => step.startsWith('SCAN')).map((step) => ({ sql, step })))
    // `found` is what another step of the same statement has searched for.
    .filter(({ step }) => !/^SCAN (entity|tally|found|CONSTANT ROW)\b/.test(step));
  expect(scans).toEqual([]);
});

test('nothing is sorted: everything comes in the order of an index', () => {
  const sorted = [...plans()].filter(([, steps]) => steps.some((step) => step.includes('TEMP B-TREE')));
  expect(sorted).toEqual([]);
});
