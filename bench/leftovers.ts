// `npm run bench leftovers [-- --actors N]`: what is left of actors that have lived and are forgotten. In one data folder a
// thousand of them, then all the others; each time the file is looked at when everything is at rest.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { QuorateError } from '../src/contract/errors.ts';
import type { LocalRuntime } from '../src/runtime/counters.ts';
import { createRuntime } from '../src/runtime/runtime.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { progressOf, say } from './kit/progress.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

const ACTORS = 100_000;
const FIRST = 1_000;
const AT_ONCE = 100;
/** Of so many one is started, waits with its timer, and is ended later; the others come and go in one turn. */
const RESTING = 10;
/** The least: ids that were seen leave with their window. */
const DUPLICATE_WINDOW_MS = 20_000;
const RETENTION_MS = 1_000;
/** The broker looks for what it can give back every ten seconds, and copies its file once a minute at most. */
const REST_MS = 100_000;
const PATIENCE_MS = 300_000;
const FORGOTTEN_LIMIT_MS = 120_000;
const MB = 1024 * 1024;
const MOST_GROWTH = 1.2;

export const leftovers: Bench = {
  name: 'leftovers',
  about: `${actors()} actors started, ended and forgotten, in one data folder`,
  notMeasured: 'a namespace: what the service keeps of a session without a state is its own',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const file = join(data, 'broker.db');
  const brief = {
    module: new URL('./runtime/machines/brief.js', import.meta.url),
    export: 'brief',
    version: '1',
  };
  const runtime = await createRuntime(
    {
      machines: { brief },
      data,
      port: 0,
      retentionMs: RETENTION_MS,
      duplicateWindowMs: DUPLICATE_WINDOW_MS,
    },
    { env: {} },
  );
  const begun = performance.now();
  let first: number;
  let most: number;
  try {
    await live(runtime, 0, FIRST);
    first = await sizeAtRest(runtime, file);
    await live(runtime, FIRST, actors());
    most = statSync(file).size;
    say(`${Math.round((performance.now() - begun) / 1000)} s; the file has ${(most / MB).toFixed(1)} MB`);
    await sizeAtRest(runtime, file);
  } finally {
    await runtime.stop();
  }
  const last = statSync(file).size;
  const db = new DatabaseSync(file, { readOnly: true });
  const count = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
  const sessions = count('SELECT count(*) FROM session');
  const messages = count('SELECT count(*) FROM message');
  db.close();
  return [
    measurement('leftovers.session-rows', '', [sessions], 1),
    measurement('leftovers.messages', '', [messages], 1),
    measurement('leftovers.file-first', 'MB', [first / MB]),
    measurement('leftovers.file-most', 'MB', [most / MB]),
    measurement('leftovers.file-last', 'MB', [last / MB]),
    measurement('leftovers.file-growth', 'times', [last / first], MOST_GROWTH),
  ];
}

async function live({ client }: LocalRuntime, from: number, to: number): Promise<void> {
  const progress = progressOf('actors', to);
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < to) {
      const at = next++;
      const rests = at % RESTING === 0;
      const id = `a${at}`;
      if (rests) await client.start('brief', { id, timeoutMs: PATIENCE_MS });
      await client.send('brief', id, { type: 'end' }, rests ? {} : { start: {} });
      // Waited for, so that no backlog grows. On a slow machine it may be forgotten by then.
      await client.result('brief', id, { timeoutMs: PATIENCE_MS }).catch((error: unknown) => {
        if (!(error instanceof QuorateError) || error.code !== 'ACTOR_NOT_FOUND') throw error;
      });
      progress(at);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Of the file, in bytes, once no actor is remembered and the broker has had time to tidy up. */
async function sizeAtRest({ client }: LocalRuntime, file: string): Promise<number> {
  const until = performance.now() + FORGOTTEN_LIMIT_MS;
  while ((await client.actors.list('brief', { limit: 1 })).ids.length > 0 && performance.now() < until)
    await sleep(1_000);
  await sleep(REST_MS);
  return statSync(file).size;
}

function actors(): number {
  const { values } = parseArgs({
    options: { actors: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  return typeof values.actors === 'string' ? Number(values.actors) : ACTORS;
}
