// A whole runtime on an embedded broker of its own, in a temporary folder, for integration tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuorateConfig } from '../../src/contract/config.ts';
import type { RuntimeOptions } from '../../src/contract/runtime.ts';
import type { LocalRuntime } from '../../src/runtime/counters.ts';
import { createRuntime } from '../../src/runtime/runtime.ts';

export function app(file: string, name: string): { module: URL; export: string; version: string } {
  return { module: new URL(`../fixtures/apps/${file}`, import.meta.url), export: name, version: '1' };
}

export interface TestRuntime<C extends QuorateConfig> extends AsyncDisposable {
  readonly runtime: LocalRuntime<C>;
  readonly data: string;
}

export async function startRuntime<C extends QuorateConfig>(
  config: C,
  options: RuntimeOptions = {},
): Promise<TestRuntime<C>> {
  const data = config.data ?? (await mkdtemp(join(tmpdir(), 'quorate-test-')));
  const runtime = await createRuntime({ port: 0, ...config, data }, { env: {}, ...options });
  return {
    runtime: runtime as unknown as LocalRuntime<C>,
    data,
    [Symbol.asyncDispose]: async () => {
      await runtime.stop();
      if (config.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}
