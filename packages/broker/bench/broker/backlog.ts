// A million stored messages: what they cost an operation, and a start.
import { join } from 'node:path';
import { type Measurement, measurement } from '../../../../bench/kit/measurement.ts';
import { progressOf, say } from '../../../../bench/kit/progress.ts';
import type { ClientProcess } from './client-process.ts';
import { type ServerProcess, startBroker } from './server-process.ts';
import type { WorkName } from './works.ts';

const MANY = 1_000_000;
const FEW = 1_000;
const RUNS = 5;
const WARM_UPS = 1;
const GROWTH_TARGET = 1.3;
const RECOVERY_TARGET_MS = 5_000;

interface Operation {
  readonly name: string;
  readonly work: WorkName;
  readonly count: number;
  /** Puts back what it takes, so that the number of stored messages stays. */
  readonly before?: WorkName;
}

const OPERATIONS: readonly Operation[] = [
  { name: 'round-trip', work: 'roundTrip', count: 4_000 },
  { name: 'session-cycle', work: 'sessionCycle', count: 600, before: 'fillSessions' },
];

export async function backlog(folder: string, client: ClientProcess): Promise<readonly Measurement[]> {
  const data = join(folder, 'many');
  const measured: Measurement[] = [];
  {
    await using few = await startBroker(join(folder, 'few'));
    await using many = await startBroker(data);
    await fillHalves(client, few, FEW);
    await fillHalves(client, many, MANY);
    for (const operation of OPERATIONS) measured.push(...(await growth(client, few, many, operation)));
  }
  const starts: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    await using broker = await startBroker(data);
    starts.push(broker.startMs);
    say(`recovery: ${Math.round(broker.startMs)} ms`);
    // The next start finds what a crash leaves.
    await client.run('fill', broker.connectionString, FEW);
  }
  return [...measured, measurement('broker.recovery', 'ms', starts, RECOVERY_TARGET_MS)];
}

/** Half of them in a queue, half in sessions of their own. */
async function fillHalves(client: ClientProcess, server: ServerProcess, count: number): Promise<void> {
  for (const work of ['fill', 'fillSessions'] as const) {
    await client.run(work, server.connectionString, count / 2, progressOf(`${work} ${count}`, count / 2));
  }
}

async function growth(
  client: ClientProcess,
  few: ServerProcess,
  many: ServerProcess,
  { name, work, count, before }: Operation,
): Promise<readonly Measurement[]> {
  const wall: number[] = [];
  const processor: number[] = [];
  const cost = async (server: ServerProcess): Promise<{ wall: number; processor: number }> => {
    if (before) await client.run(before, server.connectionString, count);
    const from = server.processorSeconds() ?? Number.NaN;
    const seconds = await client.run(work, server.connectionString, count);
    return { wall: seconds, processor: (server.processorSeconds() ?? Number.NaN) - from };
  };
  for (let run = -WARM_UPS; run < RUNS; run++) {
    const ofFew = await cost(few);
    const ofMany = await cost(many);
    if (run < 0) continue;
    wall.push(ofMany.wall / ofFew.wall);
    if (Number.isFinite(ofMany.processor)) processor.push(ofMany.processor / ofFew.processor);
  }
  return [
    measurement(`broker.growth.${name}`, 'x', wall, GROWTH_TARGET),
    measurement(`broker.growth.${name}.processor`, 'x', processor, GROWTH_TARGET),
  ];
}
