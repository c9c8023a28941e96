// What attacks on the broker cost those beside it: a probing client's worst rounds and the broker's memory, attack by attack.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type Measurement, measurement, percentile } from '../../../bench/kit/measurement.ts';
import { say } from '../../../bench/kit/progress.ts';
import { temporaryFolder } from '../../../bench/kit/temporary-folder.ts';
import { ATTACKS } from '../test/kit/attacks/all.ts';
import { type Broker, type Probe, startAttack, startBroker, startProbe } from './abuse/processes.ts';

const WARM_UP_MS = 3000;
const QUIET_MS = 6000;
const ATTACK_MS = 8000;
/** Until what an attack has left is gone. */
const REST_MS = 1000;
const TARGET_MIB = 400;
const TARGET_RATIO = 2;
const MIB = 1024 ** 2;

export const abuse: Bench = {
  name: 'abuse',
  about: `${ATTACKS.length} attacks on one broker (dist, TLS, durable), each for ${ATTACK_MS / 1000} s from its first byte; a client beside them sends, receives and completes a message every 10 ms`,
  notMeasured:
    'attackers with processors of their own: they run here at the lowest priority; a network that they fill',
  run,
};

interface Outcome {
  readonly name: string;
  readonly ratio: number;
  readonly peakBytes: number;
  readonly errors: readonly string[];
}

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBroker(folder.path);
  const plain = `${broker.connectionString}UseDevelopmentEmulator=true;`;
  await using probe = startProbe(plain);
  await probe.measure(WARM_UP_MS);
  const outcomes: Outcome[] = [];
  const quiets: number[] = [];
  for (const { name } of ATTACKS) {
    // Quiet before each, because the machine itself is not the same all the time.
    const quiet = p99(await rounds(probe, QUIET_MS));
    quiets.push(quiet);
    const outcome = await under(name, plain, broker, probe, quiet);
    outcomes.push(outcome);
    say(
      `${name}: ${quiet.toFixed(1)} ms quiet, x ${outcome.ratio.toFixed(2)}, ${Math.round(outcome.peakBytes / MIB)} MiB${outcome.errors.length > 0 ? `, ${outcome.errors.length} errors: ${outcome.errors[0]}` : ''}`,
    );
    if (!broker.alive()) throw new Error(`the broker did not survive: ${name}`);
    await sleep(REST_MS);
  }
  const errors = outcomes.reduce((sum, outcome) => sum + outcome.errors.length, 0);
  return [
    measurement('abuse.quiet-p99', 'ms', quiets),
    measurement('abuse.errors', '', [errors], 1),
    ...outcomes.flatMap(({ name, ratio, peakBytes }) => [
      measurement(`abuse.p99-ratio ${name}`, 'x', [ratio], TARGET_RATIO),
      measurement(`abuse.rss ${name}`, 'MiB', [peakBytes / MIB], TARGET_MIB),
    ]),
  ];
}

async function under(
  name: string,
  connectionString: string,
  broker: Broker,
  probe: Probe,
  quiet: number,
): Promise<Outcome> {
  const peak = broker.watchMemory();
  await using _attack = startAttack(connectionString, name);
  const { rounds: took, errors } = await probe.measure(ATTACK_MS);
  return { name, ratio: p99(took) / quiet, peakBytes: peak(), errors };
}

async function rounds(probe: Probe, ms: number): Promise<readonly number[]> {
  const { rounds: took, errors } = await probe.measure(ms);
  const [error] = errors;
  if (error !== undefined) throw new Error(`a quiet round failed: ${error}`);
  return took;
}

function p99(took: readonly number[]): number {
  const sorted = [...took].sort((a, b) => a - b);
  return percentile(sorted, 0.99);
}
