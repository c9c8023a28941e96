// What a person should look at: each kind is found, and nothing is said of what is well.
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { IndexReader } from '../../../../src/console/index/reader.ts';
import { createTables } from '../../../../src/console/index/schema.ts';
import { IndexWriter } from '../../../../src/console/index/writer.ts';
import type { ActorRecord, ProcessRecord, RecordedExecution } from '../../../../src/contract/records.ts';
import { NOW, record } from '../../../kit/records.ts';

const HOUR = 3_600_000;

/** Without steps: nobody looks at them here. */
const actor = (id: string, more: Partial<ActorRecord> = {}): ActorRecord =>
  record({ id, life: 1, steps: [], ...more });
const task = (agent: string, more: Partial<RecordedExecution> = {}): RecordedExecution => ({
  id: '1.0',
  childId: 'c',
  src: agent,
  kind: 'task',
  agent,
  startedAt: NOW,
  ...more,
});
const host = (more: Partial<ProcessRecord> = {}): ProcessRecord => ({
  kind: 'process',
  id: 'p',
  at: NOW,
  startedAt: NOW,
  host: 'h',
  pid: 1,
  build: '1',
  roles: ['actors'],
  machines: { order: '1' },
  agents: [{ name: 'payment', concurrency: 1, running: 0 }],
  sessions: 0,
  counters: {},
  eventLoopMs: 1,
  memoryBytes: 1,
  ...more,
});

function found(...records: readonly (ActorRecord | ProcessRecord)[]) {
  const db = new DatabaseSync(':memory:');
  createTables(db);
  new IndexWriter(db).apply([host(), ...records], NOW);
  const reader = new IndexReader(db);
  const groups = reader.attention(NOW);
  // What is said of a group is what its filter lists.
  for (const { filter, kind, count } of groups)
    if (kind !== 'overdue' && kind !== 'slow') expect(reader.actors(filter).count).toBe(count);
  return groups.map(({ kind, what, count, example }) => [kind, what, count, example]);
}

it('says nothing where all is well', () => {
  const well = actor('well', { executions: [task('payment'), task('order.logic')], nextTimerAt: NOW + 1 });
  expect(found(well, actor('done', { status: 'done' }))).toEqual([]);
});

it.each<[string, Partial<ActorRecord>, unknown[]]>([
  [
    'stand still',
    { quarantine: { code: 'TURN_TIMEOUT', message: 'm', since: NOW } },
    ['quarantined', 'TURN_TIMEOUT', 1, 'order/x'],
  ],
  ['failed', { status: 'error', error: { code: 'BOOM', message: 'm' } }, ['error', 'BOOM', 1, 'order/x']],
  ['wait for their budget', { exhaustedAt: NOW }, ['exhausted', 'order', 1, 'order/x']],
  ['ask people', { asks: 1 }, ['asking', 'order', 1, 'order/x']],
  ['are past a timer', { nextTimerAt: NOW - 60_000 }, ['overdue', 'order', 1, 'order/x']],
  [
    'wait for long',
    { executions: [task('payment', { startedAt: NOW - 2 * HOUR })] },
    ['slow', 'order', 1, 'order/x'],
  ],
  [
    'wait for an agent that nobody runs',
    { executions: [task('gone'), task('payment')] },
    ['unserved', 'agent gone', 1, 'order/x'],
  ],
  ['are of a machine that nobody hosts', { type: 'cart' }, ['unserved', 'machine cart', 1, 'cart/x']],
])('finds actors that %s', (_name, more, group) => {
  expect(found(actor('x', more))).toEqual([group]);
});

it('takes a process that is silent or has stopped for none', () => {
  expect(found(host({ stopped: true }), actor('x'))).toEqual([['unserved', 'machine order', 1, 'order/x']]);
});

it('counts again what comes and goes', () => {
  const db = new DatabaseSync(':memory:');
  createTables(db);
  const writer = new IndexWriter(db);
  const reader = new IndexReader(db);
  writer.apply([actor('a'), actor('b'), actor('c', { status: 'done', endedAt: NOW })], NOW);
  writer.apply([actor('a', { revision: 2, value: 'closed' })], NOW);
  expect(reader.types(NOW)).toMatchObject([{ counts: { active: 2, done: 1 }, versions: { 1: 2 } }]);
  expect(reader.states('order')).toEqual(
    expect.arrayContaining([
      { value: '"closed"', count: 1 },
      { value: '"open"', count: 1 },
    ]),
  );
  writer.apply([{ kind: 'gone', type: 'order', id: 'a', life: 1, revision: 3, at: NOW }], NOW);
  writer.apply([{ kind: 'gone', type: 'order', id: 'b', life: 1, revision: 2, at: NOW }], NOW);
  expect(reader.types(NOW)).toMatchObject([{ counts: { done: 1 }, versions: {} }]);
  writer.apply([actor('a', { life: 2 })], NOW);
  expect(reader.types(NOW)).toMatchObject([{ counts: { active: 1, done: 1 } }]);
  expect(db.prepare('SELECT count(*) AS n FROM tally WHERE n < 1').get()).toEqual({ n: 0 });
});
