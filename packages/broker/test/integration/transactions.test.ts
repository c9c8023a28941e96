import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { binary, bool, described, frame, list, NULL, string, uint } from '../kit/amqp/encode.ts';
import {
  ATTACH,
  attach,
  CLOSE,
  DISPOSITION,
  disposition,
  flow,
  performative,
  RECEIVER,
  SENDER,
  TRANSFER,
} from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { queues, settled, testBroker, testClient } from './kit.ts';

// docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transactions-v1.0-os.html and
// learn.microsoft.com/azure/service-bus-messaging/service-bus-transactions, as azure-messaging-servicebus for Java and
// qpid-jms speak it: Declare and Discharge to a coordinator, TransactionalState on transfers and dispositions.

const COORDINATOR = 0x30;
const DECLARE = 0x31;
const DISCHARGE = 0x32;
const DECLARED = 0x33;
const STATE = 0x34;
const ACCEPTED = described(0x24, list());
const [CONTROL, SENDING, RECEIVING] = [0, 1, 2];

const body = (value: Buffer) => described(0x77, value);

/** A client with a coordinator link, a sender to `to` and a receiver from `from`. */
class Transacting {
  readonly #peer: RawPeer;
  #deliveries = 0;
  readonly #ids = new Map<number, number>();

  private constructor(peer: RawPeer) {
    this.#peer = peer;
  }

  static async at(broker: Broker): Promise<Transacting> {
    const peer = await RawPeer.opened(broker);
    onTestFinished(() => peer.hangUp());
    await peer.begins(1);
    const target = described(COORDINATOR, list());
    peer.say(1, attach({ address: '', name: 'control', role: SENDER, handle: CONTROL, target }));
    peer.say(1, attach({ address: 'to', name: 'sending', role: SENDER, handle: SENDING }));
    peer.say(1, attach({ address: 'from', name: 'receiving', role: RECEIVER, handle: RECEIVING }));
    for (const name of ['control', 'sending', 'receiving']) await peer.hears(ATTACH, name);
    return new Transacting(peer);
  }

  /** The state that the broker settles it with. */
  async #transferred(handle: number, payload: Buffer, state?: Buffer): Promise<Buffer> {
    const id = this.#deliveries;
    this.#deliveries += 1;
    const tag = binary(Buffer.from(String(id)));
    const fields = { 0: uint(handle), 1: uint(id), 2: tag, 3: uint(0), 4: bool(false), 5: bool(false) };
    this.#peer.send(frame(1, performative(TRANSFER, state ? { ...fields, 7: state } : fields), payload));
    const { bytes } = await this.#peer.hears(DISPOSITION);
    return bytes;
  }

  async declare(): Promise<Buffer> {
    const answer = await this.#transferred(CONTROL, body(described(DECLARE, list())));
    const at = answer.indexOf(Buffer.from([0x00, 0x53, DECLARED]));
    expect(at).toBeGreaterThan(0);
    // The id stands last, as a short binary.
    const idAt = answer.indexOf(Buffer.from([0xa0, 8]), at);
    return answer.subarray(idAt + 2, idAt + 10);
  }

  async discharge(id: Buffer, fail: boolean): Promise<string> {
    const answer = await this.#transferred(CONTROL, body(described(DISCHARGE, list(binary(id), bool(fail)))));
    return answer.toString('latin1');
  }

  async send(id: Buffer, text: string): Promise<string> {
    const state = described(STATE, list(binary(id)));
    return (await this.#transferred(SENDING, body(string(text)), state)).toString('latin1');
  }

  async receive(): Promise<number> {
    this.#peer.say(1, flow(RECEIVING, 1, { 5: uint(this.#ids.size) }));
    const { bytes } = await this.#peer.hears(TRANSFER);
    const id = this.#ids.size;
    this.#ids.set(id, bytes.length);
    return id;
  }

  async settle(transaction: Buffer, delivery: number, settles: boolean, outcome = ACCEPTED): Promise<string> {
    const state = described(STATE, list(binary(transaction), outcome));
    const fields = { 0: bool(true), 1: uint(delivery), 2: NULL, 3: bool(settles), 4: state };
    this.#peer.say(1, performative(DISPOSITION, fields));
    return settles ? '' : (await this.#peer.hears(DISPOSITION)).text;
  }

  hangUp(): void {
    this.#peer.hangUp();
  }
}

async function world() {
  const broker = await testBroker(queues({ name: 'from', lockDuration: 'PT5M' }, { name: 'to' }));
  const client = testClient(broker);
  await client.createSender('from').sendMessages([{ body: 'in' }, { body: 'next' }]);
  const counts = async () =>
    Object.fromEntries(
      (await broker.status()).map(({ name, active, deadLettered }) => [name, [active, deadLettered]]),
    );
  return { broker, client, counts, transacting: await Transacting.at(broker) };
}

test('what is sent and settled in a transaction happens when it is committed', async () => {
  const { counts, transacting, client } = await world();
  const transaction = await transacting.declare();
  const answer = await transacting.send(transaction, 'out');
  // Provisionally: the state is that of the transaction, with its id and the outcome.
  expect(answer).toContain(`\0S${String.fromCharCode(STATE)}`);
  expect(answer).toContain('\0S\x24');
  await transacting.settle(transaction, await transacting.receive(), false);
  expect(await counts()).toEqual({ from: [2, 0], to: [0, 0] });
  expect(await transacting.discharge(transaction, false)).toContain('\0S\x24');
  expect(await counts()).toEqual({ from: [1, 0], to: [1, 0] });
  const [message] = await client.createReceiver('to').receiveMessages(1);
  expect(message?.body).toBe('out');
  expect(await transacting.discharge(transaction, false)).toContain('amqp:transaction:unknown-id');
});

test('a rollback leaves everything as it was, and gives back what its receiver had settled', async () => {
  const { counts, transacting } = await world();
  const transaction = await transacting.declare();
  await transacting.send(transaction, 'out');
  await transacting.settle(transaction, await transacting.receive(), true);
  expect(await transacting.discharge(transaction, true)).toContain('\0S\x24');
  expect(await counts()).toEqual({ from: [2, 0], to: [0, 0] });
  // As qpid-jms settles: the same message is there again.
  const again = await transacting.declare();
  await transacting.settle(again, await transacting.receive(), true);
  await transacting.settle(again, await transacting.receive(), true);
  await transacting.discharge(again, false);
  expect(await counts()).toEqual({ from: [0, 0], to: [0, 0] });
});

test('if one thing cannot be done, none is', async () => {
  const { broker, counts, transacting } = await world();
  const transaction = await transacting.declare();
  await transacting.settle(transaction, await transacting.receive(), false);
  await transacting.send(transaction, 'out');
  await broker.declare({ queues: [{ name: 'to', status: 'SendDisabled' }], topics: [] });
  expect(await transacting.discharge(transaction, false)).toContain('amqp:transaction:rollback');
  expect(await counts()).toEqual({ from: [2, 0], to: [0, 0] });
});

test('a connection that ends rolls its transactions back, and nobody else knows them', async () => {
  const { broker, counts, transacting } = await world();
  const transaction = await transacting.declare();
  await transacting.send(transaction, 'out');
  const other = await Transacting.at(broker);
  expect(await other.send(transaction, 'mine')).toContain('amqp:transaction:unknown-id');
  transacting.hangUp();
  await settled();
  expect(await counts()).toEqual({ from: [2, 0], to: [0, 0] });
});

test('a settlement in a transaction without an outcome ends its connection only', async () => {
  const { broker, transacting } = await world();
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  const nested = described(
    STATE,
    list(binary(Buffer.alloc(8)), described(STATE, list(binary(Buffer.alloc(8))))),
  );
  peer.say(1, disposition(true, 0, 0, nested));
  await peer.hears(CLOSE);
  expect(await transacting.declare()).toHaveLength(8);
});
