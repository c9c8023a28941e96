// What `--import` names runs in each worker thread too: an SDK of OpenTelemetry there must not start.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const at = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

const SDK = `import { NodeSDK } from '${import.meta.resolve('@opentelemetry/sdk-node')}';
  new NodeSDK({ autoDetectResources: false, traceExporter: { export() {}, async shutdown() {} }, metricReaders: [], logRecordProcessors: [] }).start();`;
const MAIN = `import { trace } from '${import.meta.resolve('@opentelemetry/api')}';
  import { createWorkerPool } from '${at('../src/actors/pool/pool.ts')}';
  const pool = createWorkerPool({ threads: 2, turnTimeoutMs: 10_000 });
  const module = '${at('fixtures/apps/cpu.agents.ts')}';
  const request = { kind: 'agent', module, export: 'tracing', input: null, key: 'k', attempt: 1, deadlineAt: 9e15 };
  const { outcome, error } = await pool.run(request);
  await pool.close();
  const here = trace.getTracerProvider().getDelegateTracer('x') !== undefined;
  console.log(JSON.stringify({ here, there: outcome?.output ?? error }));
  process.exit();`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-preload-'));
  await writeFile(join(folder, 'main.mjs'), MAIN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['', ''],
  ['false', 'false'],
])(
  'with OTEL_SDK_DISABLED %j the SDK starts here and in no thread, and an agent sees it as it was',
  async (given, seen) => {
    const importing = `data:text/javascript,${encodeURIComponent(SDK)}`;
    const { stdout } = await promisify(execFile)(
      execPath,
      ['--conditions=quorate-source', '--import', importing, join(folder, 'main.mjs')],
      {
        cwd: fileURLToPath(at('..')),
        env: { ...process.env, OTEL_SDK_DISABLED: given, OTEL_TRACES_EXPORTER: 'none' },
      },
    );
    expect(JSON.parse(stdout)).toEqual({ here: true, there: { isTracing: false, sdkDisabled: seen } });
  },
);
