// The session pump at scale: what it holds, how fairly, what it leaves behind, and how soon it is back.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { actorQueue } from '../../src/contract/entities.ts';
import { type Bench, type Measurement, measurement } from '../kit/measurement.ts';
import { say } from '../kit/progress.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { type BrokerProcess, type Open, startBroker } from './broker.ts';
import { startHost } from './host.ts';
import { type Memory, startPump } from './pump.ts';

const MB = 1024 ** 2;
const FEW_CYCLES = 2_000;
const MANY_CYCLES = 20_000;
const HELD = 2_000;
const ACTORS = 50;
const PLACES = 5;
const FAIR_RUNS = 3;
const FAIR_MS = 10_000;
const SPARSE_PER_SECOND = 100;
const LONGEST_WAIT_MS = 2_000;
const IDLE_RUNS = 5;
const IDLE_RELEASE_MS = 1_000;
const RESTARTS = 5;
const AWAY_MS = [0, 500, 2_000, 5_000, 10_000];
const RECOVERY_MS = 2_000;
const LOOK_EVERY_MS = 10;
const PUBLISHING_CONNECTIONS = 1;
const CLOSED_WITHIN_MS = 5_000;

export const pump: Bench = {
  name: 'pump',
  about: [
    `broker on disk and pump in a process each: ${MANY_CYCLES} sessions one after the other, ${HELD} at once,`,
    `${ACTORS} actors in ${PLACES} places, idle release, and broker restarts after kill -9`,
  ].join(' '),
  notMeasured: 'a network between them; several hosts',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  return [
    ...(await cycles(join(folder.path, 'cycles'))),
    ...(await held(join(folder.path, 'held'))),
    ...(await fairness(join(folder.path, 'fair'))),
    ...(await recovery(join(folder.path, 'recovery'))),
  ];
}

async function cycles(data: string): Promise<readonly Measurement[]> {
  await using broker = await startBroker(data);
  await using process = await startPump((await broker.ask('where')).connectionString);
  const look = async (): Promise<Open & Memory> => ({
    ...(await closed(broker)),
    ...(await process.ask('memory')),
  });
  await process.ask('cycles', 0, FEW_CYCLES);
  const few = await look();
  const seconds = await process.ask('cycles', FEW_CYCLES, MANY_CYCLES - FEW_CYCLES);
  const many = await look();
  const rate = (MANY_CYCLES - FEW_CYCLES) / seconds;
  say(`cycles: ${describe(few)} after ${FEW_CYCLES}, ${describe(many)} after ${MANY_CYCLES}`);
  return [
    measurement('pump.cycles', '/s', [rate]),
    measurement('pump.cycles.open-ends.growth', '', [many.endpoints - few.endpoints], 1),
    measurement('pump.cycles.locks-left', '', [many.locks], 1),
    measurement('pump.cycles.heap.growth', 'MB', [(many.heap - few.heap) / MB]),
    measurement('pump.cycles.rss.growth', 'MB', [(many.rss - few.rss) / MB]),
  ];
}

/** The pump has stopped; its connection ends a moment later. What stays open after the limit is a leak. */
async function closed(broker: BrokerProcess): Promise<Open> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const open = await broker.ask('open');
    if (open.connections <= PUBLISHING_CONNECTIONS || waited >= CLOSED_WITHIN_MS) return open;
    await sleep(LOOK_EVERY_MS);
  }
}

function describe({ connections, endpoints, rss, heap }: Open & Memory): string {
  return `${connections} connections, ${endpoints} sessions and links, ${Math.round(rss / MB)} MB, heap ${Math.round(heap / MB)} MB`;
}

async function held(data: string): Promise<readonly Measurement[]> {
  await using broker = await startBroker(data);
  await using process = await startPump((await broker.ask('where')).connectionString);
  const before = await process.ask('memory');
  const seconds = await process.ask('hold', HELD);
  const open = await broker.ask('open');
  const memory = await process.ask('memory');
  const letGo = await process.ask('letGo');
  const after = await broker.ask('open');
  say(`held: ${open.locks} locks over ${open.connections} connections, ${after.locks} after the stop`);
  return [
    measurement('pump.held.locks', '', [open.locks], HELD, 'at least'),
    measurement('pump.held.until-all', 's', [seconds]),
    measurement('pump.held.rss', 'MB', [memory.rss / MB]),
    measurement('pump.held.memory-each', 'KB', [(memory.heap - before.heap) / HELD / 1024]),
    measurement('pump.held.stop', 's', [letGo]),
    measurement('pump.held.locks-left', '', [after.locks], 1),
  ];
}

async function fairness(data: string): Promise<readonly Measurement[]> {
  await using broker = await startBroker(data);
  const busy: number[] = [];
  const sparse: number[] = [];
  for (let attempt = 0; attempt < FAIR_RUNS; attempt++) {
    await using host = await startHost(data, PLACES);
    sparse.push(await host.ask('sparse', `s${attempt}-`, ACTORS, SPARSE_PER_SECOND, FAIR_MS));
    say(
      `fair: ${ACTORS} actors, ${SPARSE_PER_SECOND} events/s: longest wait ${sparse.at(-1)?.toFixed(0)} ms`,
    );
  }
  const idle = await idleRelease(data, broker);
  for (let attempt = 0; attempt < FAIR_RUNS; attempt++) {
    await using host = await startHost(data, PLACES);
    busy.push(await host.ask('busy', `b${attempt}-`, ACTORS, FAIR_MS));
    say(`fair: ${ACTORS} actors never idle: longest wait ${busy.at(-1)?.toFixed(0)} ms`);
  }
  return [
    measurement('pump.fair.busy.longest-wait', 'ms', busy, LONGEST_WAIT_MS),
    measurement('pump.fair.sparse.longest-wait', 'ms', sparse, LONGEST_WAIT_MS),
    measurement('pump.idle-release', 'ms', idle, IDLE_RELEASE_MS),
  ];
}

/** From the last turn to the broker's last lock. */
async function idleRelease(data: string, broker: BrokerProcess): Promise<readonly number[]> {
  await using host = await startHost(data, ACTORS);
  const took: number[] = [];
  for (let attempt = 0; attempt < IDLE_RUNS; attempt++) {
    const last = await host.ask('touch', `i${attempt}-`, ACTORS);
    while ((await broker.ask('locksOf', actorQueue('relay'))) > 0) await sleep(LOOK_EVERY_MS);
    took.push(performance.timeOrigin + performance.now() - last);
  }
  return took;
}

/** From the moment the broker listens again until every session is held and has committed. */
async function recovery(data: string): Promise<readonly Measurement[]> {
  let broker = await startBroker(data);
  try {
    const { port, connectionString } = await broker.ask('where');
    await using process = await startPump(connectionString);
    await process.ask('hold', ACTORS);
    const took: number[] = [];
    for (let attempt = 0; attempt < RESTARTS; attempt++) {
      await broker[Symbol.asyncDispose]();
      await sleep(AWAY_MS[attempt] ?? 0);
      broker = await startBroker(data, port);
      const from = performance.timeOrigin + performance.now();
      took.push((await process.ask('heldAgain')) - from);
      say(`recovery: ${took.at(-1)?.toFixed(0)} ms after ${AWAY_MS[attempt]} ms away`);
    }
    return [measurement('pump.recovery', 'ms', took, RECOVERY_MS)];
  } finally {
    await broker[Symbol.asyncDispose]();
  }
}
