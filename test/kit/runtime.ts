// A whole runtime on an embedded broker of its own, in a temporary folder, for integration tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWorkerPool } from '../../src/actors/pool/pool.ts';
import type { QuorateConfig } from '../../src/contract/config.ts';
import type { WorkerPool } from '../../src/contract/ports.ts';
import type { RuntimeOptions } from '../../src/contract/runtime.ts';
import type { LocalRuntime } from '../../src/runtime/counters.ts';
import { composeRuntime, createRuntime } from '../../src/runtime/runtime.ts';

export function app(file: string, name: string): { module: URL; export: string; version: string } {
  return { module: new URL(`../fixtures/apps/${file}`, import.meta.url), export: name, version: '1' };
}

/** Of all runtimes of a test process that do not say otherwise: to start threads is two fifths of what a runtime costs. */
let shared: WorkerPool | undefined;

export interface TestRuntime<C extends QuorateConfig> extends AsyncDisposable {
  readonly runtime: LocalRuntime<C>;
  readonly data: string;
}

export async function startRuntime<C extends QuorateConfig>(
  config: C,
  options: RuntimeOptions = {},
): Promise<TestRuntime<C>> {
  const data = config.data ?? (await mkdtemp(join(tmpdir(), 'quorate-test-')));
  const own = { port: 0, ...config, data };
  const given = { env: {}, ...options };
  const isOwnPool = config.workers !== undefined || config.turnTimeoutMs !== undefined;
  const runtime = isOwnPool
    ? await createRuntime(own, given)
    : await composeRuntime(own, given, {
        bridge: (bridge) => bridge,
        stores: (stores) => stores,
        pool: (shared ??= createWorkerPool({ threads: 2, turnTimeoutMs: 10_000 })),
      });
  return {
    runtime: runtime as unknown as LocalRuntime<C>,
    data,
    [Symbol.asyncDispose]: async () => {
      await runtime.stop();
      if (config.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}
