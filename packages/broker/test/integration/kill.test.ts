import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRandom } from '../../../../test/kit/random.ts';
import { type BrokerOptions, startBroker } from '../../src/index.ts';
import './kit.ts';

const topology = {
  queues: [
    { name: 'sent', requiresDuplicateDetection: true },
    { name: 'settled', maxDeliveryCount: 100 },
    { name: 'held' },
    { name: 'actors', requiresSession: true },
  ],
  topics: [],
};

interface Child {
  process: ChildProcess;
  port: number;
  connectionString: string;
}

async function brokerProcess(options: BrokerOptions): Promise<Child> {
  const script = join(import.meta.dirname, 'broker-process.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { process: child, ...(JSON.parse(line) as { port: number; connectionString: string }) };
}

/** What the client was told is done; what it was not told may be done or not. */
interface Acknowledged {
  sent: Set<string>;
  scheduled: Set<string>;
  completed: Set<number>;
  abandoned: Set<number>;
  state: number;
}

function traffic(client: ServiceBusClient): { acknowledged: Acknowledged; attempted: { state: number } } {
  const acknowledged: Acknowledged = {
    sent: new Set(),
    scheduled: new Set(),
    completed: new Set(),
    abandoned: new Set(),
    state: 0,
  };
  const attempted = { state: 0 };
  const forever = async (step: (turn: number) => Promise<void>) => {
    try {
      for (let turn = 1; ; turn += 1) await step(turn);
    } catch {
      // The broker has been killed.
    }
  };
  const sender = client.createSender('sent');
  for (let lane = 0; lane < 5; lane += 1) {
    void forever(async (turn) => {
      const messageId = `sent-${lane}-${turn}`;
      await sender.sendMessages({ body: messageId, messageId });
      acknowledged.sent.add(messageId);
    });
  }
  void forever(async (turn) => {
    const messageId = `scheduled-${turn}`;
    await sender.scheduleMessages({ body: messageId, messageId }, new Date(Date.now() + 3_600_000));
    acknowledged.scheduled.add(messageId);
  });
  const receiver = client.createReceiver('settled');
  void forever(async (turn) => {
    const [message] = await receiver.receiveMessages(1);
    if (!message) return;
    if (turn % 3 === 0) {
      await receiver.deferMessage(message);
      acknowledged.abandoned.add(message.body as number);
    } else {
      await receiver.completeMessage(message);
      acknowledged.completed.add(message.body as number);
    }
  });
  void (async () => {
    const session = await client.acceptSession('actors', 'a');
    await forever(async (turn) => {
      attempted.state = turn;
      await session.setSessionState(turn);
      acknowledged.state = turn;
    });
  })().catch(() => {});
  return { acknowledged, attempted };
}

/** Some of everything is done. */
function hasBegun({ sent, scheduled, completed, abandoned, state }: Acknowledged): boolean {
  return [sent.size, scheduled.size, completed.size, abandoned.size, state].every((count) => count > 0);
}

const random = createRandom();
console.log(`seed ${random.seed}`);

test.each([1, 2, 3, 4])(
  'what was acknowledged is there after kill -9 and a restart at once (round %i)',
  async () => {
    const data = mkdtempSync(join(tmpdir(), 'broker-kill-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    const child = await brokerProcess({ data, port: 0, topology });
    const doomed = new ServiceBusClient(child.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
    });
    const preparing = new ServiceBusClient(child.connectionString);
    await preparing
      .createSender('settled')
      .sendMessages(Array.from({ length: 500 }, (_, body) => ({ body })));
    await preparing.createSender('held').sendMessages([{ body: 'begun' }, { body: 'waiting' }]);
    await preparing.close();
    expect(await doomed.createReceiver('held').receiveMessages(1)).toMatchObject([{ deliveryCount: 0 }]);
    const { acknowledged, attempted } = traffic(doomed);
    await vi.waitUntil(() => hasBegun(acknowledged), { timeout: 60_000 });
    const delay = random.below(400);
    await wait(delay);
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
    const told = structuredClone(acknowledged);
    // Or it would go on with the next broker, and hold the session there.
    await doomed.close().catch(() => {});
    console.log(
      `killed after ${delay} ms: ${told.sent.size} sent, ${told.scheduled.size} scheduled, ${told.completed.size} completed, state ${told.state}`,
    );

    const broker = await startBroker({ data, port: child.port });
    onTestFinished(() => broker.stop());
    const client = new ServiceBusClient(broker.connectionString);
    const sent = new Set<string>();
    const peeker = client.createReceiver('sent');
    for (let page = await peeker.peekMessages(250); page.length > 0; page = await peeker.peekMessages(250)) {
      for (const message of page) sent.add(String(message.messageId));
    }
    expect([...told.sent, ...told.scheduled].filter((id) => !sent.has(id))).toEqual([]);
    // Duplicate detection remembers as well.
    const before = await broker.status();
    await client
      .createSender('sent')
      .sendMessages([...told.sent].slice(0, 20).map((messageId) => ({ body: 'again', messageId })));
    expect(await broker.status()).toEqual(before);

    const left = new Set<number>();
    const settledPeeker = client.createReceiver('settled');
    let deferred = 0;
    for (
      let page = await settledPeeker.peekMessages(250);
      page.length > 0;
      page = await settledPeeker.peekMessages(250)
    ) {
      for (const message of page) {
        left.add(message.body as number);
        if (message.state === 'deferred') {
          deferred += 1;
          expect(message.deliveryCount).toBe(1);
        }
      }
    }
    expect([...told.completed].filter((body) => left.has(body))).toEqual([]);
    expect(deferred).toBeGreaterThanOrEqual(told.abandoned.size);
    const held = await client.createReceiver('held').peekMessages(2);
    expect(held).toMatchObject([
      { body: 'begun', deliveryCount: 1 },
      { body: 'waiting', deliveryCount: 0 },
    ]);
    const session = await client.acceptSession('actors', 'a');
    const state = Number(await session.getSessionState());
    expect(state).toBeGreaterThanOrEqual(told.state);
    expect(state).toBeLessThanOrEqual(attempted.state);
    await client.close();
  },
  120_000,
);
