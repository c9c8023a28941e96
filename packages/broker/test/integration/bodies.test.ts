// What a topic's subscriptions share is on disk once, as long as one of them holds it, whatever becomes of the broker.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { createRandom } from '../../../../test/kit/random.ts';
import { type BrokerOptions, createBroker } from '../../src/index.ts';
import { testClient } from './kit.ts';

const SUBSCRIPTIONS = ['one', 'two', 'three', 'four'];
const COUNT = 60;
const BODY = Buffer.alloc(20_000, 'b');

const topology = {
  queues: [],
  topics: [{ name: 't', subscriptions: SUBSCRIPTIONS.map((name) => ({ name })) }],
};

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Kept {
  messages: number;
  bodies: number;
  /** Bodies without a message, and messages without a body. */
  orphans: number;
}

/** What the file holds while no broker has it. */
function kept(data: string): Kept {
  const db = new DatabaseSync(join(data, 'broker.db'));
  try {
    const row = db
      .prepare(
        `SELECT (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM body) AS bodies,
          (SELECT count(*) FROM body WHERE id NOT IN (SELECT shared FROM message WHERE shared IS NOT NULL))
          + (SELECT count(*) FROM message WHERE bytes IS NULL AND shared NOT IN (SELECT id FROM body)) AS orphans`,
      )
      .get();
    return { ...row } as unknown as Kept;
  } finally {
    db.close();
  }
}

async function publish(client: ServiceBusClient): Promise<void> {
  const sender = client.createSender('t');
  for (let from = 0; from < COUNT; from += 10) {
    await sender.sendMessages(Array.from({ length: 10 }, () => ({ body: BODY })));
  }
}

async function drain(client: ServiceBusClient, subscription: string, count: number): Promise<void> {
  const receiver = client.createReceiver('t', subscription);
  for (let done = 0; done < count; ) {
    const messages = await receiver.receiveMessages(Math.min(20, count - done));
    await Promise.all(messages.map((message) => receiver.completeMessage(message)));
    done += messages.length;
  }
}

test('the file holds a body once, until its last copy is settled, over a restart', async () => {
  const data = dataFolder();
  const first = await createBroker({ data, port: 0, topology });
  await publish(testClient(first));
  await first.stop();
  expect(kept(data)).toEqual({ messages: COUNT * SUBSCRIPTIONS.length, bodies: COUNT, orphans: 0 });
  expect(statSync(join(data, 'broker.db')).size).toBeLessThan(COUNT * BODY.length * 1.5);

  const second = await createBroker({ data, port: 0 });
  for (const subscription of ['one', 'two', 'three']) await drain(testClient(second), subscription, COUNT);
  await second.stop();
  expect(kept(data)).toEqual({ messages: COUNT, bodies: COUNT, orphans: 0 });

  const third = await createBroker({ data, port: 0 });
  const client = testClient(third);
  const receiver = client.createReceiver('t', 'four');
  // One copy is changed, and then its bytes are its own.
  const [changed] = await receiver.receiveMessages(1);
  if (!changed) throw new Error('nothing received');
  await receiver.deferMessage(changed, { seen: 'once' });
  await drain(client, 'four', COUNT - 1);
  await third.stop();
  expect(kept(data)).toEqual({ messages: 1, bodies: 0, orphans: 0 });
});

interface Child {
  connectionString: string;
  kill(): Promise<void>;
}

async function brokerProcess(options: BrokerOptions): Promise<Child> {
  const script = join(import.meta.dirname, 'broker-process.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { connectionString } = JSON.parse(line) as { connectionString: string };
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { connectionString, kill };
}

test('kill -9 in the middle of a drain leaves no body without a message', async () => {
  const data = dataFolder();
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  const first = await brokerProcess({ data, port: 0, topology });
  const preparing = new ServiceBusClient(first.connectionString);
  await publish(preparing);
  await preparing.close();
  let broker: Child | undefined = first;
  let left = COUNT * SUBSCRIPTIONS.length;
  while (left > 0) {
    broker ??= await brokerProcess({ data, port: 0 });
    const settled = await settleSome(broker, 50 + random.below(60));
    broker = undefined;
    const after = kept(data);
    expect(after.orphans).toBe(0);
    expect(after.bodies).toBeLessThanOrEqual(after.messages);
    // What was acknowledged is gone; one that was on its way may be, too.
    expect(after.messages).toBeLessThanOrEqual(left - settled);
    left = after.messages;
  }
  expect(kept(data)).toEqual({ messages: 0, bodies: 0, orphans: 0 });
});

/** Settles on all subscriptions at once until so many are done, then kills the broker with others under way. */
async function settleSome(broker: Child, wanted: number): Promise<number> {
  const client = new ServiceBusClient(broker.connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
  });
  let settled = 0;
  let idle = 0;
  await new Promise<void>((enough) => {
    for (const subscription of SUBSCRIPTIONS) {
      const receiver = client.createReceiver('t', subscription);
      void (async () => {
        for (;;) {
          const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 300 });
          if (messages.length === 0) break;
          for (const message of messages) {
            await receiver.completeMessage(message);
            settled += 1;
            if (settled === wanted) enough();
          }
        }
        idle += 1;
        if (idle === SUBSCRIPTIONS.length) enough();
      })().catch(() => {});
    }
  });
  await broker.kill();
  const told = settled;
  await client.close().catch(() => {});
  return told;
}
