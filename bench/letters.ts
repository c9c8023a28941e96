// `npm run bench letters [-- --letters N]`: dead letters by the command line, many of them: how fast they are listed, tried out, sent again
// and thrown away, and what each command needs in memory, for a tenth of them and for all.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../src/client/connect.ts';
import type { QuorateClient } from '../src/contract/client.ts';
import { type HostProcess, startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { watchMemory } from './kit/process-tree.ts';
import { say } from './kit/progress.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

const LETTERS = 100_000;
/** Letters of one actor. */
const SERIES = 100;
const AT_ONCE = 64;
const LIMIT_MS = 3_600_000;
const MB = 1024 * 1024;
/** Of the memory of a command, from a tenth of the letters to all: a heap that is warm, and no more. */
const MOST_GROWTH = 1.3;

export const letters: Bench = {
  name: 'letters',
  about: `${total()} dead letters of ${total() / SERIES} actors, by \`quorate dlq\` in a process of its own`,
  notMeasured: 'a namespace, where each letter is two requests and each hundred that are looked at one',
  run,
};

const COMMANDS = ['list', 'dry-run', 'redrive', 'discard'] as const;
type Command = (typeof COMMANDS)[number];

const ARGS: Readonly<Record<Command, readonly string[]>> = {
  list: ['ls', '--limit', '1000000000'],
  'dry-run': ['redrive', '--all', '--dry-run'],
  redrive: ['redrive', '--all'],
  discard: ['discard', '--all', '--yes'],
};

interface Cost {
  readonly perSecond: number;
  readonly peakMb: number | undefined;
}

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  await using host = await startApplication(folder.path, data);
  const client = await connect({ data, env: {} });
  try {
    const few = await measure(client, folder.path, total() / 10, 'few');
    const all = await measure(client, folder.path, total(), 'all');
    const wrong = few.wrong + all.wrong;
    host.kill('SIGTERM');
    return [
      ...COMMANDS.flatMap((name) => {
        const [first, last] = [few.costs[name], all.costs[name]];
        const growth =
          first.peakMb === undefined || last.peakMb === undefined ? [] : [last.peakMb / first.peakMb];
        return [
          measurement(`letters.${name}`, 'letters/s', [last.perSecond]),
          measurement(`letters.${name}-memory`, 'MB', last.peakMb === undefined ? [] : [last.peakMb]),
          measurement(`letters.${name}-memory-growth`, 'times', growth, MOST_GROWTH),
        ];
      }),
      measurement('letters.out-of-order', '', [wrong], 1),
    ];
  } finally {
    await client.close();
  }
}

async function startApplication(folder: string, data: string): Promise<HostProcess> {
  const { href } = new URL('./runtime/machines/ordered.js', import.meta.url);
  const machine = `{ module: new URL('${href}'), export: 'ordered', version: '1' }`;
  await writeFile(
    join(folder, 'quorate.config.ts'),
    `export default { machines: { ordered: ${machine} } };\n`,
  );
  const host = startHost(['start', '--port', '0', '--data', data], { cwd: folder, limitMs: LIMIT_MS });
  await host.says(/^ready .*\n/m);
  return host;
}

/** `wrong`: events that an actor got again, and that did not follow on the one before. */
async function measure(
  client: QuorateClient,
  folder: string,
  size: number,
  name: string,
): Promise<{ readonly costs: Readonly<Record<Command, Cost>>; readonly wrong: number }> {
  const ids = (kind: string): readonly string[] =>
    Array.from({ length: size / SERIES }, (_, at) => `${name}-${kind}-${at}`);
  const revived = ids('revived');
  await setAside(client, revived);
  const costs = new Map<Command, Cost>();
  const cost = async (command: Command): Promise<void> => {
    const one = await costOf(ARGS[command], folder, size);
    say(`${command} of ${size}: ${Math.round(one.perSecond)} letters/s, ${Math.round(one.peakMb ?? 0)} MB`);
    costs.set(command, one);
  };
  await cost('list');
  await each(revived, (id) => client.start('ordered', { id }));
  await cost('dry-run');
  await cost('redrive');
  let wrong = 0;
  await each(revived, async (id) => {
    wrong += await wrongOf(client, id);
  });
  await setAside(client, ids('gone'));
  await cost('discard');
  return { costs: Object.fromEntries(costs) as Record<Command, Cost>, wrong };
}

/** Events for actors that are not there, in the order in which each is to get them. */
async function setAside(client: QuorateClient, ids: readonly string[]): Promise<void> {
  await each(ids, async (id) => {
    for (let n = 0; n < SERIES; n++)
      await client.send('ordered', id, { type: 'add', n, text: 'x'.repeat(200) });
  });
  let found = 0;
  for (let from = 0; found < ids.length * SERIES; ) {
    const { items } = await client.deadLetters.list({ from, limit: 500 });
    found += items.length;
    from = (items.at(-1)?.number ?? from - 1) + 1;
    if (items.length === 0) await sleep(200);
  }
}

async function wrongOf(client: QuorateClient, id: string): Promise<number> {
  for (;;) {
    const { context } = await client.query('ordered', id);
    const { count, wrong } = context as { readonly count: number; readonly wrong: number };
    if (count === SERIES) return wrong;
    await sleep(200);
  }
}

async function costOf(args: readonly string[], folder: string, size: number): Promise<Cost> {
  const begun = performance.now();
  await using command = startHost(['dlq', ...args, '--data', join(folder, 'data')], {
    cwd: folder,
    limitMs: LIMIT_MS,
  });
  const memory = watchMemory(command.pid);
  await command.endsWith(0);
  const peak = memory.stop()?.peak;
  const seconds = (performance.now() - begun) / 1_000;
  return { perSecond: size / seconds, peakMb: peak === undefined ? undefined : peak / MB };
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const next = items.values();
  const worker = async (): Promise<void> => {
    for (const item of next) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function total(): number {
  const { values } = parseArgs({
    options: { letters: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  return typeof values.letters === 'string' ? Number(values.letters) : LETTERS;
}
