import type { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { expect, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { frame } from '../kit/amqp/encode.ts';
import {
  attach,
  DETACH,
  DISPOSITION,
  dataMessage,
  detach,
  FLOW,
  SENDER,
  transfer,
} from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { adminClient } from './admin-client.ts';
import { queues, testBroker, testClient, VirtualClock } from './kit.ts';

// The JavaScript sender does not give up what it has sent when its link ends: azure-sdk-for-js, sdk/servicebus/service-bus,
// src/core/messageSender.ts ends a send with its own time-out only. So whatever an entity does to its senders, what is on
// the way is answered. entity-disabled: learn.microsoft.com/azure/service-bus-messaging/entity-suspend.

const IN_FLIGHT = 300;

/** Sends at once, and gives how many were accepted; the others must have failed as they should, and none by time-out. */
async function accepted(
  client: ServiceBusClient,
  code: string,
  happens: () => Promise<unknown>,
): Promise<number> {
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 'first' });
  const sends = Array.from({ length: IN_FLIGHT }, (_, body) => sender.sendMessages({ body }));
  const results = Promise.allSettled(sends);
  await Promise.race(sends);
  await happens();
  // On a busy machine it may cross the detach, half a second later: then the client's own time-out tells.
  const late = expect.stringMatching(new RegExp(`^(${code}|ServiceTimeout)$`));
  await expect(sender.sendMessages({ body: 'late' })).rejects.toMatchObject({ code: late });
  const failures = (await results).flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  for (const failure of failures) expect(failure).toMatchObject({ code });
  return IN_FLIGHT - failures.length;
}

async function stored(broker: Broker): Promise<number | undefined> {
  return (await broker.status()).find(({ name }) => name === 'q')?.active;
}

test('sends that meet a disabled queue are told, and are there or not as they were told', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const disable = () => broker.declare({ queues: [{ name: 'q', status: 'SendDisabled' }], topics: [] });
  const count = await accepted(client, 'MessagingEntityDisabled', disable);
  expect(await stored(broker)).toBe(count + 1);
});

test('sends that meet a queue which is deleted are told', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await accepted(testClient(broker), 'MessagingEntityNotFound', () => adminClient(broker).deleteQueue('q'));
  expect(await stored(broker)).toBeUndefined();
});

test('a queue that is made again is there for those who knew the one before, over their links too', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const peek = () => client.createReceiver('q').peekMessages(10, { fromSequenceNumber: Long.ONE });
  for (let round = 0; round < 3; round += 1) {
    await sender.sendMessages({ body: 'old' });
    await peek();
    await adminClient(broker).deleteQueue('q');
    await broker.declare(queues({ name: 'q' }).topology);
    await sender.sendMessages({ body: round });
    expect(await peek()).toMatchObject([{ body: round }]);
  }
  // The link would have ended by now.
  await new Promise((resolve) => setTimeout(resolve, 600));
  await sender.sendMessages({ body: 'last' });
  expect(await stored(broker)).toBe(2);
});

test('sends whose key is taken away are told', async () => {
  const keys = { keyName: 'sender', rights: ['Send' as const] };
  const rule = { ...keys, primaryKey: 'old', secondaryKey: 'other' };
  const broker = await testBroker(queues({ name: 'q', authorizationRules: [rule] }));
  const client = testClient(
    broker,
    `Endpoint=sb://127.0.0.1:${broker.port};SharedAccessKeyName=sender;SharedAccessKey=old;UseDevelopmentEmulator=true;`,
  );
  const rotated = { ...rule, primaryKey: 'new' };
  const count = await accepted(client, 'UnauthorizedAccess', () =>
    broker.declare({ queues: [{ name: 'q', authorizationRules: [rotated] }], topics: [] }),
  );
  expect(await stored(broker)).toBe(count + 1);
});

test('a sender that keeps sending to a deleted queue is told of each message, and its link ends once it is silent', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await RawPeer.opened(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW, 1);
  await adminClient(broker).deleteQueue('q');
  // For longer than the link lives in silence.
  for (let id = 0; id < 12; id += 1) {
    peer.send(frame(1, transfer({ id }), dataMessage(10)));
    expect((await peer.hears(DISPOSITION, 1)).text).toContain('amqp:not-found');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect((await peer.hears(DETACH, 1)).text).toContain('amqp:not-found');
  peer.hangUp();
});

// learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot: an idle link is detached at once. AMQP 1.0,
// 2.6.12: what was on its way then is in nobody's hands.
test('a message that crosses the detach of its idle link is not kept, and its connection lives on', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), idle: { linkMs: 60_000 }, clock });
  const peer = await RawPeer.opened(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW, 1);
  clock.advance(60_000);
  clock.advance(60_000);
  expect((await peer.hears(DETACH, 1)).text).toContain('amqp:link:detach-forced');
  peer.send(frame(1, transfer({ id: 0 }), dataMessage(10)));
  peer.say(1, detach(0), attach({ address: 'q', role: SENDER, name: 'another' }));
  await peer.hears(FLOW, 1);
  peer.send(frame(1, transfer({ id: 1 }), dataMessage(10)));
  await peer.hears(DISPOSITION, 1);
  expect(await stored(broker)).toBe(1);
  peer.hangUp();
});
