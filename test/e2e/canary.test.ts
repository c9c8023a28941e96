// A key planted as every secret of a run, also where an agent repeats it in its error, and looked for in all that the run
// leaves: logs, errors, spans, states, dead letters, files.
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, startBroker } from 'quorate-broker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { aes } from '../../examples/encryption/aes.ts';
import { toBrokerTopology } from '../../src/bridge/topology/topology.ts';
import { connect } from '../../src/client/connect.ts';
import { configSchema } from '../../src/config/schema.ts';
import { declareEntities } from '../../src/contract/entities.ts';
import { type Ended, ROOT, runCli, startCli } from './cli-process.ts';

/** No pattern would know these for secrets. */
const BUS_KEY = 'canaryBusKey0123456789abcdefghijklmnopqrstuv=';
const WRONG_KEY = 'canaryWrongKey0123456789abcdefghijklmnopqrst=';
const MODEL_KEY = 'canary model key';
const PAYLOAD_KEY = Buffer.from('canary payload key of 32 bytes!!').toString('base64');
const CANARIES = [BUS_KEY, WRONG_KEY, MODEL_KEY, PAYLOAD_KEY].flatMap((key) => [
  key,
  encodeURIComponent(key),
  Buffer.from(key).toString('base64'),
  Buffer.from(key, 'base64').toString('latin1'),
]);
/** Is no secret, so it must be found: in a state, a span and a log, or the search is blind. */
const VISIBLE = 'not-a-secret-4711';
const HANG_MS = 120_000;

const MACHINE = `
import { assign, setup } from 'xstate';
import { agent } from '${new URL('../../dist/src/index.js', import.meta.url).href}';
export const asking = setup({ actors: { model: agent(), refused: agent() } }).createMachine({
  context: ({ input }) => ({ text: input.text, marker: '${VISIBLE}', why: null }),
  initial: 'asking',
  states: {
    asking: { invoke: { src: 'model', input: ({ context }) => context.text, onDone: 'trying' } },
    trying: { invoke: { src: 'refused', input: null, onError: { target: 'told', actions: assign({ why: ({ event }) => event.error }) } } },
    told: { on: { end: 'over' } },
    over: { type: 'final' },
  },
});
`;
const CONFIG = `
import { aes } from '${new URL('../../examples/encryption/aes.ts', import.meta.url).href}';
const key = process.env.MODEL_API_KEY;
const refused = () => {
  const error = new Error('401 ${VISIBLE}: the key ' + key + ' is not valid; sent Authorization: Bearer ' + key);
  throw Object.assign(error, { retryable: false, cause: new Error(key), config: { headers: { key } } });
};
export default {
  machines: { asking: { module: './asking.machine.js', export: 'asking', version: '1' } },
  agents: { model: { run: (text) => text.length + key.length }, refused: { run: refused } },
  payloadCodecs: [aes(process.env.PAYLOAD_KEY)],
};
`;

let folder: string;
let broker: Broker;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-canary-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'asking.machine.js'), MACHINE);
  await writeFile(join(folder, 'quorate.config.ts'), CONFIG);
  const { lockDurationMs, duplicateWindowMs } = configSchema.parse({ machines: {} });
  const entities = declareEntities({
    machineTypes: ['asking'],
    logicTypes: [],
    actionTypes: [],
    agents: ['model', 'refused'],
    lockDurationMs,
    duplicateWindowMs,
  });
  const topology = toBrokerTopology(entities, '');
  broker = await startBroker({ data: join(folder, 'broker'), port: 0, keys: { root: BUS_KEY }, topology });
});
afterEach(async () => {
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
});

const connectionString = (key: string): string =>
  `Endpoint=sb://127.0.0.1:${broker.port};SharedAccessKeyName=root;SharedAccessKey=${key};UseDevelopmentEmulator=true;`;
const environment = (key: string): Record<string, string> => ({
  QUORATE_CONNECTION_STRING: connectionString(key),
  QUORATE_LOG: 'debug',
  MODEL_API_KEY: MODEL_KEY,
  PAYLOAD_KEY,
});
const said = ({ stdout, stderr }: Ended): string => stdout + stderr;

async function filesOf(path: string): Promise<string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'));
  return files.map((entry) => join(entry.parentPath, entry.name));
}

it('no secret of a run is in anything that the run says or leaves', { timeout: HANG_MS }, async () => {
  const texts = new Map<string, string>();
  const cwd = folder;
  texts.set(
    'a start with a wrong key',
    said(await runCli(['start', '--verbose'], { cwd, env: environment(WRONG_KEY) })),
  );
  texts.set(
    'a diagnosis with a wrong key',
    said(await runCli(['doctor'], { cwd, env: environment(WRONG_KEY) })),
  );

  const env = environment(BUS_KEY);
  const app = startCli(['start', '--verbose', '--trace-file', 'traces.jsonl'], { cwd, env });
  await app.says(/^machines .*$/m);
  const client = await connect({
    connectionString: connectionString(BUS_KEY),
    data: join(folder, '.quorate'),
    payloadCodecs: [aes(PAYLOAD_KEY)],
    env: {},
  });
  await client.start('asking', { id: 'a', input: { text: 'x'.repeat(300_000) } });
  const state = async (): Promise<unknown> => (await client.query('asking', 'a')).value;
  await expect.poll(state, { timeout: HANG_MS / 4 }).toBe('told');
  texts.set('the state', JSON.stringify(await client.query('asking', 'a')));
  await client.close();
  texts.set('a diagnosis', said(await runCli(['doctor', '--json'], { cwd, env })));
  texts.set('dead letters', said(await runCli(['dlq', 'ls', '--all', '--json'], { cwd, env })));

  // Connections that end under a running host bring the SDK's own errors.
  await broker.stop();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  app.child.kill('SIGTERM');
  texts.set('the host', said(await app.ended));
  for (const file of await filesOf(folder)) texts.set(file, await readFile(file, 'latin1'));

  const holding = [...texts].filter(([, text]) => text.includes(VISIBLE)).map(([place]) => place);
  expect(holding).toEqual(expect.arrayContaining(['the state', join(folder, 'traces.jsonl')]));
  expect(holding.some((place) => place.includes('broker.db'))).toBe(true);
  const leaks = [...texts].filter(([, text]) => CANARIES.some((canary) => text.includes(canary)));
  expect(leaks.map(([place, text]) => `${place}: ${around(text)}`)).toEqual([]);
});

function around(text: string): string {
  const at = Math.min(...CANARIES.map((canary) => text.indexOf(canary)).filter((index) => index >= 0));
  return text.slice(Math.max(0, at - 120), at + 40);
}
