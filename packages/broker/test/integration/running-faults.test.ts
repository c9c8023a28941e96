// The disk fails under a broker that runs: a limit on the size of its files stands for it, which needs no rights of root.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { testClient } from './kit.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const topology = { queues: [{ name: 'q' }], topics: [] };
const BODY = 'x'.repeat(100_000);

async function folderWith(count: number): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'quorate-failing-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const broker = await createBroker({ data, port: 0, topology });
  const client = new ServiceBusClient(broker.connectionString);
  const sender = client.createSender('q');
  for (let sent = 0; sent < count; sent += 1) await sender.sendMessages({ body: BODY });
  await client.close();
  await broker.stop();
  return data;
}

/** `quorate-broker` that can write no file beyond so many blocks of 512 or 1024 bytes, as the shell counts. */
function limitedBroker(data: string, blocks: number, args: readonly string[] = []) {
  const limited = `ulimit -S -f ${blocks} && exec "$0" "$@"`;
  const node = [process.execPath, '--conditions=quorate-source', MAIN];
  const child = spawn('sh', ['-c', limited, ...node, '--port', '0', '--data', data, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const said = text(child.stderr);
  const connectionString = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void exit.then(async () => reject(new Error(await said)));
  });
  return { exit, said, connectionString };
}

/** The true cause and what to do; nobody is led to give up whole data. */
function isFaultOfDisk(said: string): void {
  expect(said).toMatch(
    /^error BROKER_DISK_FAILED: .*broker\.db cannot be used: .*disk I\/O error\.\n {2}Look at the disk/m,
  );
  expect(said).not.toMatch(/bug|restore|move it|damaged: restore/);
  expect(said.trim().split('\n')).toHaveLength(2);
}

test('a broker whose disk fails while it runs ends with one line, and what it acknowledged is there at the next start', async () => {
  const data = await folderWith(0);
  const broker = limitedBroker(data, 2000);
  const client = new ServiceBusClient(await broker.connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
  });
  onTestFinished(() => client.close());
  const sender = client.createSender('q');
  let acknowledged = 0;
  const fill = async (): Promise<void> => {
    for (; acknowledged < 100; acknowledged += 1) await sender.sendMessages({ body: BODY });
  };
  await expect(fill()).rejects.toThrow();
  expect(acknowledged).toBeGreaterThan(3);
  expect(await broker.exit).toBe(1);
  isFaultOfDisk(await broker.said);

  const next = await createBroker({ data, port: 0 });
  onTestFinished(() => next.stop());
  const active = (await next.status())[0]?.active;
  // The one that was not acknowledged may be there too.
  expect([acknowledged, acknowledged + 1]).toContain(active);
  await testClient(next).createSender('q').sendMessages({ body: 'again' });
});

test('one that cannot write at its start says so of the disk, not of the data', async () => {
  const data = await folderWith(3);
  const config = join(data, 'Config.json');
  const queues = [{ Name: 'another' }];
  await writeFile(config, JSON.stringify({ UserConfig: { Namespaces: [{ Name: 'n', Queues: queues }] } }));
  const broker = limitedBroker(data, 2, ['--config', config]);
  broker.connectionString.catch(() => {});
  expect(await broker.exit).toBe(1);
  isFaultOfDisk(await broker.said);

  const next = await createBroker({ data, port: 0 });
  onTestFinished(() => next.stop());
  expect(await next.status()).toMatchObject([{ name: 'q', active: 3 }]);
});
