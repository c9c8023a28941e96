import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient as Client, type ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRandom, type Random } from '../../../../test/kit/random.ts';
import { EMULATOR_KEYS } from '../../src/emulator-config.ts';
import { type Broker, createBroker } from '../../src/index.ts';
import { ATTACH, CLOSE } from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { mutated } from '../kit/fuzz/mutate.ts';
import { recorder } from '../kit/fuzz/record.ts';
import { seeds } from '../kit/fuzz/seeds.ts';
import { testBroker, testClient } from './kit.ts';

// What real clients say, those of other languages too, with something wrong in it, again and again. Whatever is said, the broker stays up, a client
// beside it works on, and no message that was acknowledged is lost; nor is anything kept that clients could not read.
// QUORATE_FUZZ_MS sets how long it looks, QUORATE_TEST_SEED repeats a run.

const FUZZ_MS = Number(process.env['QUORATE_FUZZ_MS'] ?? 10_000);
const BATCH = 20;
/** For the broker to hang up after everything has been said; who does not listen may not notice. */
const ENOUGH_MS = 500;
const DEAF_MS = 50;
const HANG_MS = 60_000;
const KEPT = 'kept';
const topology = {
  queues: [
    { name: KEPT },
    { name: 'fuzz-q', requiresDuplicateDetection: true },
    { name: 'fuzz-s', requiresSession: true },
  ],
  topics: [{ name: 'fuzz-t', subscriptions: [{ name: 'sub' }] }],
};

/** A bit of everything. */
const SCENARIOS: ((client: ServiceBusClient) => Promise<unknown>)[] = [
  async (client) => {
    const sender = client.createSender('fuzz-q');
    await sender.sendMessages({ body: 'one', messageId: 'a', applicationProperties: { x: 1, y: 'z' } });
    await sender.sendMessages([{ body: 1, timeToLive: 60_000 }, { body: Buffer.from('two') }]);
    await sender.sendMessages({ body: 'x'.repeat(100_000), subject: 'large' });
  },
  async (client) => {
    const receiver = client.createReceiver('fuzz-q');
    const [one, two, three] = await receiver.receiveMessages(3, { maxWaitTimeInMs: 5000 });
    if (one) await receiver.abandonMessage(one, { again: true });
    if (two)
      await receiver.deadLetterMessage(two, { deadLetterReason: 'fuzz', deadLetterErrorDescription: 'why' });
    if (three) await receiver.completeMessage(three);
  },
  async (client) => {
    const sender = client.createSender('fuzz-q');
    const [number] = await sender.scheduleMessages({ body: 'later' }, new Date(Date.now() + 3_600_000));
    const receiver = client.createReceiver('fuzz-q');
    await receiver.peekMessages(5);
    const [one] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
    if (one) {
      await receiver.renewMessageLock(one);
      await receiver.deferMessage(one);
      if (one.sequenceNumber) await receiver.receiveDeferredMessages(one.sequenceNumber);
    }
    if (number) await sender.cancelScheduledMessages(number);
  },
  async (client) => {
    const sender = client.createSender('fuzz-s');
    await sender.sendMessages([{ body: 's', sessionId: 'one' }]);
    await sender.sendMessages([{ body: 's', sessionId: 'two' }]);
    const receiver = await client.acceptSession('fuzz-s', 'one');
    await receiver.setSessionState({ state: 1 });
    await receiver.getSessionState();
    await receiver.renewSessionLock();
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
    if (message) await receiver.completeMessage(message);
    await receiver.close();
    await client.acceptNextSession('fuzz-s');
  },
  async (client) => {
    const rules = client.createRuleManager('fuzz-t', 'sub');
    await rules.createRule(`r${Math.random()}`, { sqlExpression: 'x = 1' }, { sqlExpression: 'SET y = 2' });
    for await (const _ of rules.listRules());
    await client.createSender('fuzz-t').sendMessages({ body: 't', applicationProperties: { x: 1 } });
  },
];

/** Nothing may hang, and what hung has a name. */
async function within<T>(what: string, work: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`${what} did not end within ${HANG_MS} ms`)), HANG_MS);
  });
  return Promise.race([work, tooLate]).finally(() => clearTimeout(late));
}

async function record(broker: Broker): Promise<Buffer[][]> {
  await using between = await recorder(broker.port);
  const connectionString = broker.connectionString.replace(`:${broker.port}`, `:${between.port}`);
  for (const scenario of SCENARIOS) {
    const client = new Client(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } });
    await within('a scenario', scenario(client));
    await within('the end of a scenario', client.close());
  }
  return between.exchanges();
}

interface Saying {
  readonly frames: readonly Buffer[];
  /** Where its bytes are cut in two. */
  readonly cut: number;
  readonly deaf: boolean;
  /** Hangs up at once: then the broker hears little of what comes behind a token. */
  readonly hasty: boolean;
}

function nextSaying(random: Random, exchanges: readonly Buffer[][]): Saying {
  const frames = mutated(random, random.pick(exchanges), exchanges);
  return {
    frames,
    cut: random.below(4) === 0 ? random.below(10_000) : 0,
    deaf: random.below(10) === 0,
    hasty: random.below(4) === 0,
  };
}

/** Says it all and no more, and waits until the broker hangs up: false when it did not in time, on a busy machine mostly. */
async function say(broker: Broker, { frames, cut, deaf, hasty }: Saying): Promise<boolean> {
  const peer = new RawPeer(broker.port);
  const bytes = Buffer.concat(frames);
  peer.send(bytes.subarray(0, cut));
  if (deaf) peer.socket.pause();
  peer.send(bytes.subarray(cut));
  if (hasty) peer.socket.end();
  const enough = deaf ? DEAF_MS : ENOUGH_MS;
  const heard = await Promise.race([
    peer.closed.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(resolve, enough, false).unref()),
  ]);
  peer.hangUp();
  return heard;
}

test(`no frame breaks the broker, for ${FUZZ_MS} ms`, { timeout: FUZZ_MS + 90_000 }, async () => {
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  const data = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  // What rhea has to say to the console is something that nobody foresaw.
  const complaints = vi.spyOn(console, 'error');
  const warnings = vi.spyOn(console, 'warn');
  onTestFinished(() => void vi.restoreAllMocks());

  const broker = await createBroker({ data, port: 0, topology, keys: EMULATOR_KEYS });
  let failure: string | undefined;
  void broker.closed.then(({ reason }) => {
    failure = reason;
  });
  const exchanges = [...(await record(broker)), ...[...seeds().values()].flat()];
  const client = testClient(broker);
  const sender = client.createSender(KEPT);
  let kept = 0;
  let said = 0;
  let heard = 0;
  for (const until = Date.now() + FUZZ_MS; Date.now() < until; ) {
    const batch = Array.from({ length: BATCH }, () => nextSaying(random, exchanges));
    const ends = await Promise.all(batch.map((saying) => say(broker, saying)));
    said += BATCH;
    heard += ends.filter(Boolean).length;
    expect(failure).toBeUndefined();
    await within('the client beside', sender.sendMessages({ body: kept }));
    kept += 1;
  }
  const { 'in.fuzz-q': taken = 0 } = await broker.counters();
  console.log(`${said} exchanges, ${heard} heard to their end, ${taken} messages taken, ${kept} kept`);
  // Most of what is said is right, so that what is wrong comes far.
  expect(taken).toBeGreaterThan(heard / 10);
  expect(heard).toBeGreaterThan(0);
  expect([complaints.mock.calls, warnings.mock.calls]).toEqual([[], []]);
  await within('the end of the client', client.close());
  await within('the end of the broker', broker.stop());

  const again = await createBroker({ data, port: 0 });
  onTestFinished(() => again.stop());
  expect(await bodiesOf(again, KEPT, kept)).toEqual(Array.from({ length: kept }, (_, body) => body));
  await readAll(again, 'fuzz-q');
});

async function bodiesOf(broker: Broker, queue: string, count: number): Promise<unknown[]> {
  const receiver = testClient(broker).createReceiver(queue, { receiveMode: 'receiveAndDelete' });
  const bodies: unknown[] = [];
  while (bodies.length < count) {
    const messages = await receiver.receiveMessages(count - bodies.length, { maxWaitTimeInMs: 1000 });
    if (messages.length === 0) break;
    bodies.push(...messages.map(({ body }) => body as unknown));
  }
  return bodies;
}

/** Nothing is left in the queue that a client chokes on. */
async function readAll(broker: Broker, queue: string): Promise<void> {
  const waiting = async () => (await broker.status()).find(({ name }) => name === queue)?.active ?? 0;
  await bodiesOf(broker, queue, await waiting());
  expect(await waiting()).toBe(0);
}

test.each([...seeds()])('what %s says is taken as it is, all of it at once', async (_, connections) => {
  const broker = await testBroker({ topology, keys: EMULATOR_KEYS });
  for (const frames of connections) {
    const peer = new RawPeer(broker.port);
    peer.send(...frames);
    // The recordings end with their close. Hanging up before its answer would leave most of them unheard.
    const { text: end } = await peer.hears(CLOSE);
    peer.hangUp();
    expect(end).not.toContain('amqp:');
    expect(peer.heard.map(({ text }) => text).filter((text) => text.includes('unauthorized'))).toEqual([]);
    expect(peer.heard.map(({ code }) => code)).toContain(ATTACH);
  }
});
