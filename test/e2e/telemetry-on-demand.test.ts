// Nobody pays for traces that nobody wants: without an endpoint or a trace file no module of the SDK is loaded.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/repos/small/', import.meta.url));
const PRELOAD = fileURLToPath(new URL('../kit/loaded-preload.ts', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-loaded-'));
  await cp(FIXTURE, join(folder, 'repo'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Modules of OpenTelemetry, other than its API, that a whole review loads. */
async function telemetryLoadedBy(...args: string[]): Promise<string[]> {
  const log = join(folder, `loaded-${args.length}`);
  const { code, stderr } = await runCli(['demo', 'repo', '--out', 'out', '--port', '0', ...args], {
    cwd: folder,
    node: ['--import', PRELOAD],
    env: { QUORATE_TEST_LOADED: log },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const loaded = (await readFile(log, 'utf8')).split('\n');
  expect(loaded.some((url) => url.includes('/@azure/service-bus/'))).toBe(true);
  return loaded.filter((url) => /\/@opentelemetry\/(?!api\/)/.test(url));
}

it('loads the SDK when a trace is wanted, and none of it otherwise', async () => {
  expect(await telemetryLoadedBy()).toEqual([]);
  expect(await telemetryLoadedBy('--trace-file', 'trace.jsonl')).not.toEqual([]);
});
