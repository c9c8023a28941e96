import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { binary, frame, saslFrame, symbol } from '../kit/amqp/encode.ts';
import {
  AMQP_HEADER,
  ATTACH,
  attach,
  begin,
  DETACH,
  DISPOSITION,
  dataMessage,
  FLOW,
  OPEN,
  open,
  performative,
  RECEIVER,
  SASL_HEADER,
  SASL_INIT,
  SASL_MECHANISMS,
  SASL_OUTCOME,
  SENDER,
  transfer,
} from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { queues, testBroker, testClient } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide (SASL PLAIN with a rule's name and key);
// uamqp 1.6 (azure-uamqp-c, src/sasl_mssbcbs.c) and .NET's client ask for MSSBCBS; qpid-proton for PLAIN

const ACCEPTED = 0;
const REFUSED = 1;

function peerOf(broker: Broker): RawPeer {
  const peer = new RawPeer(broker.port);
  onTestFinished(() => peer.hangUp());
  peer.send(SASL_HEADER);
  return peer;
}

/** The outcome's code. */
async function says(peer: RawPeer, mechanism: string, response?: string): Promise<number | undefined> {
  const init = { 0: symbol(mechanism), ...(response !== undefined && { 1: binary(Buffer.from(response)) }) };
  peer.send(saslFrame(performative(SASL_INIT, init)));
  const { bytes } = await peer.hears(SASL_OUTCOME);
  return bytes[bytes.indexOf(0x50, 12) + 1];
}

async function goesOn(peer: RawPeer): Promise<void> {
  peer.send(AMQP_HEADER, frame(0, open()), frame(0, begin()));
  await peer.hears(OPEN);
}

function keyOf(broker: Broker): [name: string, key: string] {
  const [, name = '', key = ''] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(broker.connectionString) ?? [];
  return [name, key];
}

test('the mechanisms of the service are offered, and MSSBCBS is one that says nothing yet', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = peerOf(broker);
  const { text } = await peer.hears(SASL_MECHANISMS);
  for (const mechanism of ['MSSBCBS', 'PLAIN', 'ANONYMOUS']) expect(text).toContain(mechanism);
  expect(await says(peer, 'MSSBCBS')).toBe(ACCEPTED);
  await goesOn(peer);
  peer.say(0, attach({ address: 'q', role: SENDER }));
  expect((await peer.hears(DETACH)).text).toContain('amqp:unauthorized-access');
});

test('the name and key of a rule by PLAIN stand for every token that they could sign', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = peerOf(broker);
  expect(await says(peer, 'PLAIN', `\0${keyOf(broker).join('\0')}`)).toBe(ACCEPTED);
  await goesOn(peer);
  peer.say(0, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW);
  peer.send(frame(0, transfer({ id: 0 }), dataMessage(3)));
  await peer.hears(DISPOSITION);
  const [message] = await testClient(broker).createReceiver('q').receiveMessages(1);
  expect(String(message?.body)).toBe('aaa');
});

test('PLAIN with a wrong key is refused, also one that says too little or too much', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const [name, key] = keyOf(broker);
  const responses = [`\0${name}\0wrong`, `\0${name}`, `\0${name}\0${key}\0more`, ''];
  for (const response of responses) expect(await says(peerOf(broker), 'PLAIN', response)).toBe(REFUSED);
  expect(await says(peerOf(broker), 'PLAIN')).toBe(REFUSED);
  expect(await says(peerOf(broker), 'EXTERNAL')).toBe(REFUSED);
});

test('a key by PLAIN has the rights of its rule, and that of a queue is good for its queue alone', async () => {
  const rule = { keyName: 'sending', primaryKey: 'b25l', secondaryKey: 'dHdv', rights: ['Send' as const] };
  const broker = await testBroker(queues({ name: 'q', authorizationRules: [rule] }, { name: 'other' }));
  const peer = peerOf(broker);
  expect(await says(peer, 'PLAIN', '\0sending\0dHdv')).toBe(ACCEPTED);
  await goesOn(peer);
  peer.say(0, attach({ address: 'q', role: SENDER, handle: 0 }));
  await peer.hears(ATTACH);
  await peer.hears(FLOW);
  peer.say(0, attach({ address: 'q', role: RECEIVER, handle: 1 }));
  expect((await peer.hears(DETACH)).text).toContain("'Listen' claim(s)");
  peer.say(0, attach({ address: 'other', role: SENDER, handle: 2 }));
  expect((await peer.hears(DETACH)).text).toContain('amqp:unauthorized-access');
});

test('a name that no rule has opens nothing', async () => {
  const peer = peerOf(await testBroker(queues({ name: 'q' })));
  await says(peer, 'PLAIN', '\0nobody\0key');
  await goesOn(peer);
  peer.say(0, attach({ address: 'q', role: SENDER }));
  expect((await peer.hears(DETACH)).text).toContain('amqp:unauthorized-access');
});
