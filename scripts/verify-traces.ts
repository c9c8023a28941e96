// Beside each SDK of OpenTelemetry that applications have, installed before Quorate and after it: there is one copy of the API, spans
// arrive, and where the SDK takes an id generator they hang together. A part of `npm run verify:package`.
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';

interface Beside {
  readonly what: string;
  readonly packages: readonly string[];
  /** Code of a module: starts the SDK, and leaves the names and places of spans in `ended`. */
  readonly sdk: string;
  /** Azure Monitor's distribution has no place for an id generator: what is exported after the fact hangs under a missing parent. */
  readonly keepsIds: boolean;
}

const COLLECT = `
export const ended = [];
export const processor = {
  onStart() {},
  onEnd(span) {
    const { spanId } = span.spanContext();
    const parent = span.parentSpanContext?.spanId ?? span.parentSpanId;
    ended.push({ name: span.name, spanId, parent });
  },
  async forceFlush() {},
  async shutdown() {},
};`;

const NODE_SDK = `${COLLECT}
import { NodeSDK } from '@opentelemetry/sdk-node';
import { createIdGenerator } from 'quorate/id-generator';
new NodeSDK({
  autoDetectResources: false,
  idGenerator: createIdGenerator(),
  spanProcessors: [processor],
}).start();`;

const AZURE = `${COLLECT}
import { useAzureMonitor } from '@azure/monitor-opentelemetry';
useAzureMonitor({
  azureMonitorExporterOptions: {
    connectionString: 'InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:1',
    disableOfflineStorage: true,
  },
  tracesPerSecond: 0,
  samplingRatio: 1,
  enableLiveMetrics: false,
  spanProcessors: [processor],
});`;

const BESIDE: readonly Beside[] = [
  {
    what: "Azure Monitor's distribution",
    packages: ['@azure/monitor-opentelemetry@1.21.0'],
    sdk: AZURE,
    keepsIds: false,
  },
  { what: 'NodeSDK, line 2', packages: ['@opentelemetry/sdk-node@0.223.0'], sdk: NODE_SDK, keepsIds: true },
  { what: 'NodeSDK, line 3', packages: ['@opentelemetry/sdk-node@0.301.0'], sdk: NODE_SDK, keepsIds: true },
];

const MAIN = `
import { ended } from './sdk.js';
import { createRuntime } from 'quorate';
const runtime = await createRuntime({
  machines: { hello: { module: new URL('./hello.machine.js', import.meta.url), export: 'hello', version: '1' } },
  agents: { greet: { run: async (name) => 'hello ' + name } },
  data: './data',
  port: 0,
});
const output = await runtime.client.run('hello', { id: '1' });
await runtime.stop();
const ids = new Set(ended.map(({ spanId }) => spanId));
const lost = ended.filter(({ parent }) => parent !== undefined && parent !== '' && !ids.has(parent)).map(({ name }) => name);
console.log(JSON.stringify({ output, names: [...new Set(ended.map(({ name }) => name))], lost }));
process.exit();`;

const MACHINE = `
import { agent } from 'quorate';
import { assign, setup } from 'xstate';
export const hello = setup({ actors: { greet: agent() } }).createMachine({
  context: { said: '' },
  initial: 'greeting',
  states: {
    greeting: {
      invoke: { id: 'greeting', src: 'greet', input: 'world', onDone: { target: 'over', actions: assign({ said: ({ event }) => event.output }) } },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.said,
});`;

const EXPECTED = [
  'run hello',
  'actor hello',
  'actor hello started',
  'turn hello',
  'task greeting',
  'process agent.greet',
];

interface Seen {
  readonly output: unknown;
  readonly names: readonly string[];
  readonly lost: readonly string[];
}

/** `npm`: runs npm in a folder. Gives what is wrong, a line each. */
export function verifyTraces(
  top: string,
  tarballs: readonly string[],
  npm: (args: readonly string[], cwd: string) => string,
): string[] {
  const faults: string[] = [];
  console.log(
    '\n| traces beside | installed | copies of the API | what is wrong |\n| --- | --- | --- | --- |',
  );
  for (const [index, beside] of BESIDE.entries()) {
    for (const order of ['first', 'last'] as const) {
      const folder = join(top, `traces-${index}-${order}`);
      const { copies, wrong } = verifyBeside(
        folder,
        beside,
        order === 'first' ? [beside.packages, tarballs] : [tarballs, beside.packages],
        npm,
      );
      console.log(`| ${beside.what} | ${order} | ${copies.join(', ')} | ${wrong.join('; ') || 'nothing'} |`);
      faults.push(...wrong.map((why) => `${beside.what}, installed ${order}: ${why}`));
    }
  }
  return faults;
}

function verifyBeside(
  folder: string,
  { sdk, keepsIds }: Beside,
  installs: readonly (readonly string[])[],
  npm: (args: readonly string[], cwd: string) => string,
): { readonly copies: readonly string[]; readonly wrong: readonly string[] } {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  for (const packages of installs)
    npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder);
  const files = { 'sdk.js': sdk, 'main.js': MAIN, 'hello.machine.js': MACHINE };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const copies = globSync('**/node_modules/@opentelemetry/api', { cwd: folder });
  const { stdout, stderr, status } = spawnSync(execPath, ['main.js'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  });
  const wrong: string[] = [];
  if (copies.length !== 1) wrong.push(`${copies.length} copies of the API`);
  if (status !== 0) return { copies, wrong: [...wrong, `exit ${status}: ${stderr.slice(-500)}`] };
  const line = stdout.split('\n').findLast((text) => text.startsWith('{')) ?? '{}';
  const { output, names = [], lost = [] } = JSON.parse(line) as Partial<Seen>;
  if (output !== 'hello world') wrong.push(`the run gave ${JSON.stringify(output)}`);
  const missing = EXPECTED.filter((name) => !names.includes(name));
  if (missing.length > 0) wrong.push(`no span ${missing.join(', ')}`);
  if (keepsIds && lost.length > 0) wrong.push(`parents are missing of ${lost.join(', ')}`);
  if (stderr.includes('quorate: no traces')) wrong.push(stderr.trim());
  return { copies, wrong };
}
