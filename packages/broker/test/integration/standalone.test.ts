import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { openEmulatorPort } from '../../src/cli/serve.ts';
import { topologyOfEmulatorConfig } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { testBroker } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const STANDALONE = fileURLToPath(new URL('./standalone-process.ts', import.meta.url));
const SOURCE = '--conditions=quorate-source';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'quorate-standalone-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** The first line that `quorate-broker` prints, and the process. */
async function startCommand(
  ...args: string[]
): Promise<{ child: ChildProcess; connectionString: string; lines: string[] }> {
  const child = spawn(process.execPath, [SOURCE, MAIN, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.startsWith('stop ')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the broker ended with code ${code}`)));
  });
  return { child, connectionString: lines[0] ?? '', lines };
}

async function stopped(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}

const CONFIG = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'sbemulatorns',
        Queues: [
          {
            Name: 'queue.1',
            Properties: {
              DeadLetteringOnMessageExpiration: false,
              DefaultMessageTimeToLive: 'PT1H',
              DuplicateDetectionHistoryTimeWindow: 'PT20S',
              ForwardDeadLetteredMessagesTo: '',
              ForwardTo: '',
              LockDuration: 'PT1M',
              MaxDeliveryCount: 3,
              RequiresDuplicateDetection: false,
              RequiresSession: false,
            },
          },
        ],
        Topics: [
          {
            Name: 'topic.1',
            Properties: { DefaultMessageTimeToLive: 'PT1H', RequiresDuplicateDetection: false },
            Subscriptions: [
              {
                Name: 'subscription.1',
                Properties: { MaxDeliveryCount: 3, RequiresSession: false },
                Rules: [
                  {
                    Name: 'app-prop-filter-1',
                    Properties: {
                      FilterType: 'Correlation',
                      CorrelationFilter: { ContentType: 'application/json', Properties: { kind: 'a' } },
                    },
                  },
                ],
              },
              {
                Name: 'subscription.2',
                Properties: {},
                Rules: [
                  {
                    Name: 'sql',
                    Properties: {
                      FilterType: 'Sql',
                      SqlFilter: { SqlExpression: "sys.Label = 'two' AND size > 1" },
                      Action: { SqlExpression: "SET note = 'seen'" },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    Logging: { Type: 'File' },
  },
};

test("the emulator's Config.json and its connection string work as they are", async () => {
  const file = join(await folder(), 'Config.json');
  await writeFile(file, JSON.stringify(CONFIG));
  const { child, connectionString } = await startCommand('--memory', '--tier', 'premium', '--config', file);
  expect(connectionString).toMatch(
    /^Endpoint=sb:\/\/127\.0\.0\.1:\d+\/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;$/,
  );
  const admin = adminClient({ connectionString });
  expect(await admin.getQueue('queue.1')).toMatchObject({
    maxDeliveryCount: 3,
    defaultMessageTimeToLive: 'PT1H',
  });
  const client = new ServiceBusClient(connectionString);
  onTestFinished(() => client.close());
  await client.createSender('topic.1').sendMessages([
    { body: 1, contentType: 'application/json', applicationProperties: { kind: 'a' } },
    { body: 2, subject: 'two', applicationProperties: { size: 2 } },
    { body: 3, subject: 'two', applicationProperties: { size: 1 } },
  ]);
  const of = async (subscription: string) =>
    (await client.createReceiver('topic.1', subscription).receiveMessages(3, { maxWaitTimeInMs: 500 })).map(
      ({ body, applicationProperties }) => [body, applicationProperties?.['note']],
    );
  expect(await of('subscription.1')).toEqual([[1, undefined]]);
  expect(await of('subscription.2')).toEqual([[2, 'seen']]);
  expect(await stopped(child)).toBe(0);
});

test("a configuration may have comments and commas as Microsoft's own has, and its strings keep theirs", () => {
  const text = `{ // the namespace
    "UserConfig": { "Namespaces": [ { "Name": "n", /* one
      queue */ "Queues": [ { "Name": "q", "Properties": { "UserMetadata": "/* \\" // , ] */" }, }, ], } ] } }`;
  expect(topologyOfEmulatorConfig(text)).toEqual({
    queues: [{ name: 'q', userMetadata: '/* " // , ] */' }],
    topics: [],
  });
});

test('a broker needs no topics, and its address ends as clients write it', async () => {
  const broker = await testBroker({ topology: { queues: [{ name: 'q' }] } });
  expect(broker.connectionString).toContain(`Endpoint=sb://127.0.0.1:${broker.port}/;`);
  await broker.declare({ topics: [{ name: 't' }] });
  expect((await broker.status()).map(({ name }) => name)).toEqual(['q', 't']);
});

test("what comes to the emulator's HTTP port is answered; somebody else's port is left alone", async () => {
  const broker = await testBroker({ topology: { queues: [{ name: 'q' }] } });
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const without = await openEmulatorPort(broker.port, port);
  expect(without.says).toContain(`not on ${port}`);
  await without.close();
  await new Promise((resolve) => taken.close(resolve));
  const emulator = await openEmulatorPort(broker.port, port);
  const health = await fetch(`http://127.0.0.1:${port}/health`);
  expect(await health.json()).toEqual({ status: 'healthy' });
  await emulator.close();
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
});

test('a filter without a FilterType is what is written there, and never lets everything through', () => {
  const rule = (Name: string, Properties: object) => ({ Name, Properties });
  const rules = [
    rule('sql', { SqlFilter: { SqlExpression: 'a = 1' } }),
    rule('correlation', { CorrelationFilter: { Label: 'x' } }),
    rule('none', {}),
  ];
  const Topics = [{ Name: 't', Subscriptions: [{ Name: 's', Rules: rules }] }];
  const config = { UserConfig: { Namespaces: [{ Name: 'n', Topics }] } };
  const { topics } = topologyOfEmulatorConfig(JSON.stringify(config));
  expect(topics[0]?.subscriptions?.[0]?.rules?.map(({ filter }) => filter)).toEqual([
    { kind: 'sql', expression: 'a = 1' },
    { kind: 'correlation', subject: 'x' },
    { kind: 'true' },
  ]);
});

test('status shows a running broker and the data that it left', async () => {
  const data = join(await folder(), 'data');
  const { child, connectionString, lines } = await startCommand('--data', data, '--tls');
  expect(lines).toContain(`trust      NODE_EXTRA_CA_CERTS=${join(data, 'tls', 'ca.pem')}`);
  const plain = `${connectionString}UseDevelopmentEmulator=true;`;
  await adminClient({ connectionString: plain }).createQueue('q');
  const client = new ServiceBusClient(plain);
  const sender = client.createSender('q');
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  await sender.scheduleMessages({ body: 4 }, new Date(Date.now() + 600_000));
  const receiver = client.createReceiver('q');
  const [first, second] = await receiver.receiveMessages(2);
  if (!first || !second) throw new Error('nothing was received');
  await receiver.deadLetterMessage(first);

  const status = async () => {
    const { stdout } = await run(process.execPath, [SOURCE, MAIN, 'status', '--data', data]);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/));
  };
  const header = ['entity', 'active', 'scheduled', 'deferred', 'dead', 'sessions', 'locks'];
  expect(await status()).toEqual([header, ['q', '2', '1', '0', '1', '0', '1']]);
  await client.close();
  expect(await stopped(child)).toBe(0);
  expect(await status()).toEqual([header, ['q', '2', '1', '0', '1', '0', '0']]);
});

test('what is printed to be copied works in a shell, wherever the data lies', async () => {
  const data = join(await folder(), "it's here; $(true)");
  const { child, lines } = await startCommand('--data', data, '--tls', '--control');
  const trust = lines.find((line) => line.startsWith('trust '))?.replace(/^trust +/, '');
  const { stdout: file } = await run('sh', ['-c', `${trust} && printf %s "$NODE_EXTRA_CA_CERTS"`]);
  expect(file).toBe(join(data, 'tls', 'ca.pem'));
  const given = lines.find((line) => line.startsWith('control '))?.replace(/^.*--data /, '');
  expect((await run('sh', ['-c', `printf %s ${given}`])).stdout).toBe(data);
  expect(await stopped(child)).toBe(0);
});

test('the folder may stand before the name of a command', async () => {
  const data = join(await folder(), 'data');
  const { child } = await startCommand('--data', data, '--control', '--virtual-time');
  const ask = (...args: string[]) => run(process.execPath, [SOURCE, MAIN, '--data', data, ...args]);
  expect((await ask('status')).stdout).toMatch(/^entity /);
  expect((await ask('advance', '1s')).stdout).toMatch(/^it is /);
  expect((await ask('fault', 'stop', '--on', 'send')).stdout).toMatch(/^fault-/);
  expect((await ask('fault', 'list')).stdout).toMatch(/^fault-/);
  expect(await stopped(child)).toBe(0);
});

test.each([
  ['that is no JSON', '{'],
  [
    'with a filter that does not exist',
    JSON.stringify({
      UserConfig: {
        Namespaces: [
          {
            Name: 'n',
            Topics: [
              {
                Name: 't',
                Subscriptions: [{ Name: 's', Rules: [{ Name: 'r', Properties: { FilterType: 'Magic' } }] }],
              },
            ],
          },
        ],
      },
    }),
  ],
  [
    'with a lock that is too long',
    JSON.stringify({
      UserConfig: {
        Namespaces: [{ Name: 'n', Queues: [{ Name: 'q', Properties: { LockDuration: 'PT1H' } }] }],
      },
    }),
  ],
  [
    'with a filter that ends too early',
    JSON.stringify({
      UserConfig: {
        Namespaces: [
          {
            Name: 'n',
            Topics: [
              {
                Name: 't',
                Subscriptions: [
                  {
                    Name: 's',
                    Rules: [
                      { Name: 'r', Properties: { FilterType: 'Sql', SqlFilter: { SqlExpression: 'x =' } } },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      },
    }),
  ],
])('a configuration %s is refused in one line, with what to do', async (_, text) => {
  const file = join(await folder(), 'Config.json');
  await writeFile(file, text);
  const failed = run(process.execPath, [SOURCE, MAIN, '--memory', '--port', '0', '--config', file]);
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error BROKER_(CONFIG|TOPOLOGY)_INVALID: .*[^.]\.\n {2}Correct .*\.\n$/),
  });
});

test('the library loads the broker and nothing else of Quorate', async () => {
  const { stdout } = await run(process.execPath, [SOURCE, STANDALONE]);
  const modules = JSON.parse(stdout) as string[];
  const own = modules.filter((url) => url.startsWith('file:') && !url.includes('/node_modules/'));
  expect(own.filter((url) => !url.includes('/packages/broker/src/'))).toEqual([]);
  expect(own.length).toBeGreaterThan(50);
  const packages = modules.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  expect(
    packages.filter((name) => /^@azure|^xstate$|^@opentelemetry|^piscina$|^commander$/.test(name)),
  ).toEqual([]);
  expect(packages).toContain('rhea');
});
