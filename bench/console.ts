// `npm run bench console`: the index of the console with 100,000 actors: what a turn costs it, and how long each question of the page takes.

import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { IndexReader } from '../src/console/index/reader.ts';
import { applySettings, createTables } from '../src/console/index/schema.ts';
import { IndexWriter } from '../src/console/index/writer.ts';
import type { ActorRecord, IndexRecord } from '../src/contract/records.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { say } from './kit/progress.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

const ACTORS = 100_000;
const TURNS = 5;
/** Of a body, about: what comes in one transaction. */
const BATCH = 200;
const ASKED = 9;
const MOST_MS = 20;
/** Asked by a view that is opened now and then, and not by one that follows. */
const INFORMATIVE = new Set(['attention', 'costs by tenant']);
const START = 1_700_000_000_000;

export const consoleIndex: Bench = {
  name: 'console',
  about: `the index of ${ACTORS} actors with ${TURNS} turns each, in one process`,
  notMeasured: 'the page; what a host pays to tell its commits',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const db = new DatabaseSync(`${folder.path}/index.db`);
  createTables(db);
  applySettings(db);
  const writer = new IndexWriter(db);
  const reader = new IndexReader(db);
  const began = performance.now();
  for (let turn = 1; turn <= TURNS; turn++) {
    say(`turn ${turn} of ${ACTORS} actors`);
    for (let from = 0; from < ACTORS; from += BATCH)
      writer.apply(
        Array.from({ length: BATCH }, (_, at) => recordOf(from + at, turn)),
        START + turn,
      );
  }
  const perTurn = ((performance.now() - began) * 1_000) / (ACTORS * TURNS);
  const now = START + 1_000_000;
  writer.apply([process()], now);
  const first = reader.actors({});
  const questions: Record<string, () => unknown> = {
    list: () => reader.actors({}),
    'next page': () => reader.actors({ after: first.after ?? '' }),
    'by type and status': () => reader.actors({ type: 'order', shown: ['error'] }),
    'by state': () => reader.actors({ type: 'order', state: '"paying"' }),
    'by tenant': () => reader.actors({ tenant: 'tenant-7' }),
    'by code': () => reader.actors({ code: 'CARD_DECLINED' }),
    'by text': () => reader.actors({ text: 'order-4242' }),
    'by a text that many have': () => reader.actors({ text: 'order' }),
    'by cost': () => reader.actors({ sort: 'cost' }),
    'by age': () => reader.actors({ sort: 'age', shown: ['waiting'] }),
    timeline: () => reader.actor('order/order-4242'),
    attention: () => reader.attention(now),
    types: () => reader.types(now),
    states: () => reader.states('order'),
    'costs by tenant': () => reader.costs('tenant', 0),
  };
  const asked = Object.entries(questions).map(([name, ask]) => {
    const times = Array.from({ length: ASKED }, () => {
      const at = performance.now();
      ask();
      return performance.now() - at;
    });
    const target = INFORMATIVE.has(name) ? null : MOST_MS;
    return measurement(`console.${name.replaceAll(' ', '-')}`, 'ms', times, target);
  });
  const bytes = reader.bytes();
  db.close();
  return [
    measurement('console.turn', 'us', [perTurn]),
    measurement('console.file', 'MB', [bytes / 1_048_576]),
    ...asked,
  ];
}

const STATES = ['paying', 'packing', 'shipping', 'waiting'] as const;

function recordOf(n: number, turn: number): ActorRecord {
  const isError = n % 50 === 0 && turn === TURNS;
  const isDone = n % 3 === 0 && turn === TURNS && !isError;
  const status = isError ? 'error' : isDone ? 'done' : 'active';
  const value = STATES[(n + turn) % STATES.length] ?? '';
  return {
    kind: 'actor',
    type: n % 4 === 0 ? 'review' : 'order',
    id: `order-${n}`,
    life: n + 1,
    revision: turn,
    incarnation: `i-${n}`,
    turn,
    prevTurn: turn - 1,
    at: START + turn * ACTORS + n,
    status,
    value,
    tags: [],
    startedAt: START + n,
    ...(status === 'active' ? {} : { endedAt: START + turn * ACTORS + n }),
    version: '1',
    host: 'process-1',
    steps: [{ turn, event: `EVENT_${turn}`, to: value, effects: ['task payment'] }],
    executions:
      status === 'active'
        ? [
            {
              id: `${turn}.0`,
              childId: 'pay',
              src: 'payment',
              kind: 'task',
              agent: 'payment',
              startedAt: START,
            },
          ]
        : [],
    ...(isError ? { error: { code: 'CARD_DECLINED', message: `the card of order ${n} was declined` } } : {}),
    tenant: `tenant-${n % 100}`,
    stateBytes: 2_000,
    costs: { inputTokens: n % 1_000, outputTokens: 10, microUsd: n % 10_000, calls: 1 },
  };
}

function process(): IndexRecord {
  return {
    kind: 'process',
    id: 'process-1',
    at: START,
    startedAt: START,
    host: 'h',
    pid: 1,
    build: '0',
    roles: ['actors'],
    machines: { order: '1', review: '1' },
    agents: [{ name: 'payment', concurrency: 8, running: 0 }],
    sessions: 0,
    counters: {},
    eventLoopMs: 1,
    memoryBytes: 1,
  };
}
