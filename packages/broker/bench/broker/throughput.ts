// The rates: the same client does each work against the raw server and the broker in turn, so that both meet the same noise.
import { join } from 'node:path';
import { type Measurement, measurement } from '../../../../bench/kit/measurement.ts';
import { say } from '../../../../bench/kit/progress.ts';
import type { ClientProcess } from './client-process.ts';
import { type ServerProcess, startBroker, startRaw } from './server-process.ts';
import type { WorkName } from './works.ts';

const RUNS = 5;
const WARM_UPS = 1;
/** What durability may cost at most, where the machine is too slow for the absolute target. */
const SHARE_OF_RAW = 0.7;

interface Rate {
  readonly name: string;
  readonly work: WorkName;
  readonly unit: string;
  /** Operations a run. */
  readonly count: number;
  readonly atLeast: number;
  /** Puts there what the work takes away. */
  readonly before?: WorkName;
}

const RATES: readonly Rate[] = [
  { name: 'send', work: 'send', unit: '/s', count: 12_000, atLeast: 9_000 },
  { name: 'send-batches', work: 'sendBatches', unit: '/s', count: 40_000, atLeast: 35_000 },
  {
    name: 'receive-complete',
    work: 'receiveAndComplete',
    unit: '/s',
    count: 12_000,
    atLeast: 7_000,
    before: 'fill',
  },
  {
    name: 'session-cycle',
    work: 'sessionCycle',
    unit: '/s',
    count: 800,
    atLeast: 600,
    before: 'fillSessions',
  },
];

export async function throughput(folder: string, client: ClientProcess): Promise<readonly Measurement[]> {
  await using raw = await startRaw();
  await using broker = await startBroker(join(folder, 'throughput'));
  const measured: Measurement[] = [];
  for (const rate of RATES) {
    const rates = { raw: [] as number[], broker: [] as number[] };
    for (let run = -WARM_UPS; run < RUNS; run++) {
      const ofRaw = await perSecond(client, raw, rate);
      const ofBroker = await perSecond(client, broker, rate);
      if (run < 0) continue;
      rates.raw.push(ofRaw);
      rates.broker.push(ofBroker);
    }
    const baseline = measurement(`broker.${rate.name}.raw`, rate.unit, rates.raw);
    const target = Math.min(rate.atLeast, SHARE_OF_RAW * (baseline.value ?? 0));
    const row = measurement(`broker.${rate.name}`, rate.unit, rates.broker, target, 'at least');
    say(
      `${rate.name}: ${Math.round(row.value ?? 0)}${rate.unit}, raw ${Math.round(baseline.value ?? 0)}${rate.unit}`,
    );
    measured.push(row, baseline);
  }
  return measured;
}

async function perSecond(client: ClientProcess, server: ServerProcess, rate: Rate): Promise<number> {
  if (rate.before) await client.run(rate.before, server.connectionString, rate.count);
  return rate.count / (await client.run(rate.work, server.connectionString, rate.count));
}
