import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { AllUnsettled, Unsettled } from '../../../src/amqp/client-limits.ts';
import { Traffic } from '../../../src/amqp/traffic.ts';
import { Holdings } from '../../../src/transport/holdings.ts';
import { Turns } from '../../../src/transport/turns.ts';

const KB = 1024;

/** A socket whose peer reads when it is told to. */
function slowSocket(): { socket: Duplex; read: () => void } {
  const taken: (() => void)[] = [];
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void taken.push(done) });
  const read = () => {
    for (let done = taken.shift(); done; done = taken.shift()) done();
  };
  return { socket, read };
}

function trafficOn(socket: Duplex): Traffic {
  const holdings = new Holdings(1e9);
  const shared = { holdings, turns: new Turns() };
  return new Traffic(
    socket,
    holdings.open(() => {}),
    shared,
    new Unsettled(new AllUnsettled()),
  );
}

const delivery = (id: number) => ({ id, data: ['bytes'] as readonly unknown[] });

test('a session with much unwritten waits for its peer, the others do not', () => {
  const traffic = trafficOn(slowSocket().socket);
  const [full, free] = [
    { outgoing: { next_pending_delivery: 0 } },
    { outgoing: { next_pending_delivery: 0 } },
  ];
  const large = delivery(0);
  traffic.handed(full, large, 300 * KB);
  // Until a pass has come by, it may all be written with the next.
  expect(traffic.congested(free)).toBe(true);
  let heard = 0;
  traffic.whenClear(full, () => (heard += 1));
  traffic.passed();
  expect([traffic.congested(full), traffic.congested(free), heard]).toEqual([true, false, 0]);
  full.outgoing.next_pending_delivery = 1;
  traffic.written(full);
  traffic.passed();
  expect([traffic.congested(full), heard, large.data]).toEqual([false, 1, []]);
});

test('what the peer does not read holds up all of its sessions, and it is not heard meanwhile', async () => {
  const { socket, read } = slowSocket();
  const traffic = trafficOn(socket);
  const session = { outgoing: { next_pending_delivery: 0 } };
  let heard = 0;
  socket.write(Buffer.alloc(300 * KB));
  expect([traffic.blocked, traffic.congested(session)]).toEqual([true, true]);
  traffic.whenClear(session, () => (heard += 1));
  traffic.passed();
  expect(heard).toBe(0);
  read();
  await expect.poll(() => heard).toBe(1);
  expect([traffic.blocked, traffic.congested(session)]).toEqual([false, false]);
});

test('what is promised counts until it is given back, and a session that ends takes all of its own along', () => {
  const traffic = trafficOn(slowSocket().socket);
  const session = { outgoing: { next_pending_delivery: 0 } };
  traffic.reserve(session, 300 * KB);
  expect(traffic.congested(session)).toBe(true);
  traffic.reserve(session, -300 * KB);
  expect(traffic.congested(session)).toBe(false);
  traffic.handed(session, delivery(0), 300 * KB);
  traffic.ended(session);
  traffic.passed();
  expect(traffic.congested(session)).toBe(false);
  traffic.reserve(session, -5);
  expect(traffic.congested(session)).toBe(false);
});

test('nothing more is made for a peer that is gone', async () => {
  const { socket, read } = slowSocket();
  const traffic = trafficOn(socket);
  const session = { outgoing: { next_pending_delivery: 0 } };
  let heard = 0;
  socket.write(Buffer.alloc(300 * KB));
  traffic.whenClear(session, () => (heard += 1));
  traffic.end();
  read();
  await new Promise((resolve) => setImmediate(resolve));
  traffic.passed();
  expect([traffic.congested(session), heard]).toEqual([true, 0]);
});

test('what makes much waits while memory is tight', async () => {
  const holdings = new Holdings(1024 * KB);
  const holding = holdings.open(() => {});
  const shared = { holdings, turns: new Turns() };
  const unsettled = new Unsettled(new AllUnsettled());
  const traffic = new Traffic(slowSocket().socket, holding, shared, unsettled);
  const order: string[] = [];
  holding.add('output', 600 * KB);
  traffic.inTurn(() => order.push('made'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  order.push('later');
  await expect.poll(() => order).toEqual(['later', 'made']);
});
