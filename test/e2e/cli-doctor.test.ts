// `quorate doctor` against a broker whose entities are as they should be, and against one that is set wrongly.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, startBroker, type Topology } from 'quorate-broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toBrokerTopology } from '../../src/bridge/topology/topology.ts';
import { declareEntities } from '../../src/contract/entities.ts';
import { type Ended, runCli } from './cli-process.ts';

const counter = {
  module: new URL('../fixtures/apps/counter.machine.ts', import.meta.url).href,
  export: 'counter',
  version: '1',
};
const right = (): Topology =>
  toBrokerTopology(
    declareEntities({
      machineTypes: ['counter'],
      logicTypes: [],
      actionTypes: [],
      agents: ['scan'],
      lockDurationMs: 30_000,
      duplicateWindowMs: 600_000,
    }),
    '',
  );

let folder: string;
let config: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-doctor-'));
  config = join(folder, 'quorate.config.ts');
  await writeFile(
    config,
    `export default { machines: { counter: ${JSON.stringify(counter)} }, agents: { scan: { run: () => null } } };\n`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function examine(topology: Topology, change = (text: string): string => text): Promise<Ended> {
  const broker: Broker = await startBroker({ data: { memory: true }, port: 0, tls: true, topology });
  try {
    return await runCli(['doctor', '--config', config], {
      cwd: folder,
      env: {
        QUORATE_CONNECTION_STRING: change(broker.connectionString),
        NODE_EXTRA_CA_CERTS: broker.caFile ?? '',
      },
    });
  } finally {
    await broker.stop();
  }
}

describe('the doctor', () => {
  it('finds nothing wrong where all is as declared', async () => {
    const { code, stdout, stderr } = await examine(right());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'ok reachable',
      'ok rights',
      'ok entities',
      'ok tier',
      'ok settings',
      'ok clock',
      'ok fencing',
      '',
    ]);
  });

  it('names each entity that is missing or set wrongly, and says what to do', async () => {
    const topology = right();
    const planted: Record<string, object> = {
      'actor.counter': { requiresSession: false },
      replies: { lockDuration: 'PT10S' },
      offers: { requiresDuplicateDetection: false },
      remediation: { duplicateDetectionHistoryTimeWindow: 'PT1M' },
    };
    const queues = (topology.queues ?? [])
      .filter(({ name }) => name !== 'agent.scan')
      .map((queue) => ({ ...queue, ...planted[queue.name] }));
    const { code, stdout } = await examine({ ...topology, queues });
    expect(code).toBe(1);
    const wrong = stdout.split('\n').filter((line) => line.startsWith('wrong'));
    const lines = [
      /entities +actor\.counter: requiresSession is false, not true; it cannot be changed/,
      /entities +agent\.scan: the queue does not exist; create it.*QUORATE_TOPOLOGY=apply/,
      /settings +actor\.counter: requiresSession is false, not true; it cannot be changed/,
      /settings +replies: lockDuration is PT10S, not PT30S; set it/,
      /settings +offers: requiresDuplicateDetection is false, not true; it cannot be changed/,
      /settings +remediation: duplicateDetectionHistoryTimeWindow is PT1M, not PT10M; set it/,
    ];
    for (const line of lines) expect(wrong.join('\n')).toMatch(line);
  });

  it('tells a wrong key from a host that does not answer', async () => {
    const key = await examine(right(), (text) =>
      text.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=bm8='),
    );
    expect(key).toMatchObject({ code: 1, stdout: expect.stringMatching(/^wrong +rights .*Check the key/) });
    const gone = await examine(right(), (text) => text.replace(/localhost:\d+/, 'localhost:1'));
    expect(gone).toMatchObject({ code: 1, stdout: expect.stringMatching(/^wrong +reachable .*localhost:1/) });
  });

  it('says so where the embedded broker is still to be started', async () => {
    const { code, stdout } = await runCli(['doctor', '--config', config], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +reachable +the embedded broker of .* does not run/);
  });
});
