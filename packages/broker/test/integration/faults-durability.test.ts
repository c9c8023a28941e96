// A broker in a process of its own kills itself at an operation; the real client and a restart tell what became of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Broker,
  type BrokerControl,
  createBroker,
  type FaultOperation,
  type FaultPoint,
  reachControl,
} from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import './kit.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const topology = {
  queues: [
    { name: 'once', requiresDuplicateDetection: true },
    { name: 'plain' },
    { name: 'actors', requiresSession: true },
  ],
  topics: [],
};
const SILENCE_MS = 200;
const DUE = new Date(Date.now() + 3_600_000);

interface Doomed {
  readonly child: ChildProcess;
  readonly exit: Promise<NodeJS.Signals | null>;
  readonly control: BrokerControl;
  readonly connectionString: string;
  readonly client: ServiceBusClient;
}

async function dataFolder(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'quorate-doomed-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const broker = await createBroker({ data, port: 0, topology });
  const client = new ServiceBusClient(broker.connectionString);
  await client.createSender('plain').sendMessages([{ body: 1 }, { body: 2 }]);
  await client.close();
  await broker.stop();
  return data;
}

/** `quorate broker --control`, which the tests steer as any other process would. */
async function doomedBroker(data: string): Promise<Doomed> {
  const args = ['--conditions=quorate-source', MAIN, '--port', '0', '--data', data, '--control'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  );
  const connectionString = await new Promise<string>((resolve, reject) => {
    let first: string | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      first ??= line;
      if (line.startsWith('stop ')) resolve(first);
    });
    void exit.then(() => reject(new Error('the broker ended before it was ready')));
  });
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
  });
  onTestFinished(() => client.close());
  return { child, exit, control: reachControl(data), connectionString, client };
}

async function reopened(data: string): Promise<{ broker: Broker; client: ServiceBusClient }> {
  const broker = await createBroker({ data, port: 0 });
  const client = new ServiceBusClient(broker.connectionString);
  onTestFinished(async () => {
    await client.close();
    await broker.stop();
  });
  return { broker, client };
}

type Survivor = Awaited<ReturnType<typeof reopened>>;

interface Operation {
  readonly operation: FaultOperation;
  /** Everything before the operation; returns what does it. */
  readonly prepare: (doomed: Doomed) => Promise<() => Promise<unknown>>;
  /** Whether it has been done. */
  readonly isDone: (survivor: Survivor) => Promise<boolean>;
  /** What a client does that does not know. */
  readonly again?: (client: ServiceBusClient) => Promise<unknown>;
}

const message = { body: 'sent', messageId: 'the one' };

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'a send': {
    operation: 'send',
    prepare: async ({ client }) => {
      const sender = client.createSender('once');
      return () => sender.sendMessages(message);
    },
    isDone: async ({ broker }) => (await broker.status())[0]?.active === 1,
    again: (client) => client.createSender('once').sendMessages(message),
  },
  'a schedule': {
    operation: 'schedule',
    prepare: async ({ client }) => {
      const sender = client.createSender('once');
      return () => sender.scheduleMessages(message, DUE);
    },
    isDone: async ({ broker }) => (await broker.status())[0]?.scheduled === 1,
    again: (client) => client.createSender('once').scheduleMessages(message, DUE),
  },
  'a settlement': {
    operation: 'settle',
    prepare: async ({ client }) => {
      const receiver = client.createReceiver('plain');
      const [received] = await receiver.receiveMessages(1);
      if (!received) throw new Error('nothing was received');
      return () => receiver.completeMessage(received);
    },
    isDone: async ({ broker }) => (await broker.status())[1]?.active === 1,
  },
  'a state write': {
    operation: 'state-write',
    prepare: async ({ client }) => {
      const session = await client.acceptSession('actors', 'a');
      await session.setSessionState('old');
      return () => session.setSessionState('new');
    },
    isDone: async ({ client }) => {
      const session = await client.acceptSession('actors', 'a');
      const state: unknown = await session.getSessionState();
      expect(['old', 'new']).toContain(state);
      return state === 'new';
    },
  },
  'a change of the topology': {
    operation: 'admin',
    prepare: async ({ connectionString }) => {
      const admin = adminClient({ connectionString });
      return () => admin.createQueue('made');
    },
    isDone: async ({ broker }) => (await broker.status()).some(({ name }) => name === 'made'),
  },
};

const POINTS: readonly FaultPoint[] = ['arrived', 'committed', 'acknowledged'];
const CASES = Object.keys(OPERATIONS).flatMap((name) => POINTS.map((at) => [name, at] as const));

test.each(CASES)('%s is cut by kill -9 when it is %s', async (name, at) => {
  const { operation, prepare, isDone, again } = OPERATIONS[name] as Operation;
  const data = await dataFolder();
  const doomed = await doomedBroker(data);
  const act = await prepare(doomed);
  await doomed.control.faults.inject({ kind: 'stop', on: { operation }, at, process: true });
  const told = act().then(
    () => 'told',
    () => 'not told',
  );
  expect(await doomed.exit).toBe('SIGKILL');
  // What a process has said before its death is here by then; the client itself would wait for its time-out.
  const silence = at === 'acknowledged' ? [] : [wait(SILENCE_MS, 'not told')];
  expect(await Promise.race([told, ...silence])).toBe(at === 'acknowledged' ? 'told' : 'not told');

  const survivor = await reopened(data);
  expect(await isDone(survivor)).toBe(at !== 'arrived');
  // Whoever was not told asks again, and it has been done once.
  await again?.(survivor.client);
  if (again) expect(await isDone(survivor)).toBe(true);
});

test('of many sends in flight those that were acknowledged are there, and a resend of all leaves each once', async () => {
  const COUNT = 200;
  const data = await dataFolder();
  const doomed = await doomedBroker(data);
  const sender = doomed.client.createSender('once');
  await sender.sendMessages({ body: 'first', messageId: 'first' });
  const skip = 60;
  await doomed.control.faults.inject({
    kind: 'stop',
    on: { operation: 'send', skip },
    at: 'committed',
    process: true,
  });
  const ids = Array.from({ length: COUNT }, (_, index) => `message-${index}`);
  const outcomes = await Promise.all(
    ids.map((messageId) =>
      sender.sendMessages({ body: messageId, messageId }).then(
        () => messageId,
        () => undefined,
      ),
    ),
  );
  const told = outcomes.filter((id) => id !== undefined);
  expect(await doomed.exit).toBe('SIGKILL');
  expect(told.length).toBeLessThanOrEqual(skip);

  const { broker, client } = await reopened(data);
  const there = new Set<unknown>();
  const peeker = client.createReceiver('once');
  for (let page = await peeker.peekMessages(250); page.length > 0; page = await peeker.peekMessages(250))
    for (const { messageId } of page) there.add(messageId);
  expect(told.filter((id) => !there.has(id))).toEqual([]);
  await client.createSender('once').sendMessages(ids.map((messageId) => ({ body: messageId, messageId })));
  expect(await broker.status()).toMatchObject([{ name: 'once', active: COUNT + 1 }, {}, {}]);
});
