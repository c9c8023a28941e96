// `npm run bench [name ...] [-- --json] [-- --minutes N]`: what the design promises in numbers, measured on real processes on this machine.
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { abuse } from '../packages/broker/bench/abuse.ts';
import { broker } from '../packages/broker/bench/broker/bench.ts';
import { agents } from './agents/bench.ts';
import { consoleIndex } from './console.ts';
import { control } from './control/bench.ts';
import { fanin } from './fanin.ts';
import { type Bench, formatTable, type Measurement, toRecord } from './kit/measurement.ts';
import { latency } from './latency.ts';
import { leftovers } from './leftovers.ts';
import { letters } from './letters.ts';
import { pump } from './pump/bench.ts';
import { review } from './review.ts';
import { runtime } from './runtime/bench.ts';
import { soak } from './runtime/soak.ts';
import { turn } from './runtime/turn.ts';
import { start } from './start.ts';
import { starve } from './starve.ts';
import { takeover } from './takeover.ts';

/** Too long for the rest, or an explanation rather than a promise. */
const BY_NAME: readonly Bench[] = [soak, starve, turn, leftovers, letters, consoleIndex];
const USUAL: readonly Bench[] = [
  start,
  latency,
  takeover,
  review,
  broker,
  abuse,
  runtime,
  pump,
  fanin,
  control,
  agents,
];
const BENCHES: readonly Bench[] = [...USUAL, ...BY_NAME];
const DIST = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const EXIT_MISSED = 1;
const EXIT_USAGE = 2;
const GIB = 1024 ** 3;

const { values, positionals: names } = parseArgs({
  // How long the soak is, and how many actors leave nothing behind, how many letters are dead: those benches read them themselves.
  options: {
    json: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    actors: { type: 'string' },
    letters: { type: 'string' },
  },
  allowPositionals: true,
});
const { json } = values;
const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
// Tables go to standard output, or with --json one array; everything else to standard error.
const say = (line: string): boolean => process.stderr.write(`${line}\n`);

if (unknown.length > 0) {
  say(`unknown bench: ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}`);
  process.exitCode = EXIT_USAGE;
} else if (!existsSync(DIST)) {
  say('dist is missing: run `npm run build`');
  process.exitCode = EXIT_USAGE;
} else {
  const measured = await runAll(
    names.length === 0 ? USUAL : BENCHES.filter(({ name }) => names.includes(name)),
  );
  if (json) console.log(JSON.stringify(measured.map(toRecord), undefined, 2));
  if (measured.some(({ met }) => met === false)) process.exitCode = EXIT_MISSED;
}

async function runAll(benches: readonly Bench[]): Promise<readonly Measurement[]> {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / GIB);
  say(
    `${availableParallelism()} cores (${cpu?.model ?? 'unknown'}), ${memory} GiB, ${platform()}, Node ${process.version}\n`,
  );
  const all: Measurement[] = [];
  for (const { name, about, notMeasured, run } of benches) {
    say(`${name}: ${about}`);
    say(`  not measured: ${notMeasured}`);
    const measured = await run();
    all.push(...measured);
    if (!json) console.log(`${formatTable(measured)}\n`);
  }
  return all;
}
