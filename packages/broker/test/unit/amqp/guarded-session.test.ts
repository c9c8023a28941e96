import { createServer } from 'node:net';
import { assert, integer, property } from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { acceptSocket } from '../../../src/amqp/accept.ts';
import { AllUnsettled, Endpoints } from '../../../src/amqp/client-limits.ts';
import { settleDelivery } from '../../../src/amqp/dispositions.ts';
import { distance, nearest, onWire } from '../../../src/amqp/guarded-session.ts';
import { createContainer, type Sender, type Session, sendUnsettled } from '../../../src/amqp/rhea.ts';
import { Pulse } from '../../../src/core/pulse.ts';
import { Holdings } from '../../../src/transport/holdings.ts';
import { Turns } from '../../../src/transport/turns.ts';
import { frame, NULL, TRUE, uint } from '../../kit/amqp/encode.ts';
import { deliveryIdOf, fieldsOf } from '../../kit/amqp/fields.ts';
import * as amqp from '../../kit/amqp/performatives.ts';
import { RawPeer } from '../../kit/amqp/raw-peer.ts';

const SIZE = 2 ** 32;
const numbers = integer({ min: 0, max: 2 ** 48 });
const uints = integer({ min: 0, max: SIZE - 1 });

test('a number comes back from the wire as long as it is not half a round away', () => {
  assert(
    property(numbers, integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (known, away) => {
      const number = known + away;
      expect(nearest(onWire(number), known)).toBe(number);
    }),
  );
});

test('distances are those of a circle', () => {
  assert(
    property(uints, uints, (first, count) => {
      expect(distance(first, (first + count) % SIZE)).toBe(count);
    }),
  );
});

/** A server whose sessions have sent almost all that can be counted. */
async function oldServer(served: (sender: Sender) => void): Promise<number> {
  const container = createContainer();
  const shared = {
    turns: new Turns(),
    holdings: new Holdings(1e9),
    endpoints: new Endpoints(),
    unsettled: new AllUnsettled(),
    pulse: new Pulse(),
  };
  const server = createServer((socket) => {
    const connection = acceptSocket(container, socket, 60_000, shared);
    connection.on('session_open', ({ session }) => grow(session as Session));
    connection.on('sender_open', ({ sender }) => served(sender as Sender));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

const OLD = SIZE - 2;

function grow(session: Session): void {
  const { outgoing } = session as unknown as { outgoing: Record<string, number> };
  outgoing['next_delivery_id'] = OLD;
  outgoing['next_pending_delivery'] = OLD;
  outgoing['next_transfer_id'] = OLD;
}

test('a link that has sent four thousand million messages sends on', async () => {
  const settled: unknown[] = [];
  const port = await oldServer((sender) => {
    (sender as unknown as { delivery_count: number }).delivery_count = OLD;
    sender.on('accepted', ({ delivery }) => {
      settled.push(delivery?.id);
      if (delivery) settleDelivery(delivery, undefined);
    });
    sender.once('sendable', () => {
      for (let n = 0; n < 4; n += 1) sendUnsettled(sender, amqp.dataMessage(1), Buffer.from([n]));
    });
  });
  const peer = new RawPeer(port);
  onTestFinished(() => peer.hangUp());
  peer.send(amqp.AMQP_HEADER, frame(0, amqp.open()), frame(0, amqp.begin()));
  peer.say(0, amqp.attach({ address: 'q', role: amqp.RECEIVER }));
  peer.say(0, amqp.flow(0, 4, { 0: uint(OLD), 5: uint(OLD) }));
  const ids: unknown[] = [];
  while (ids.length < 4) ids.push(deliveryIdOf(await peer.hears(amqp.TRANSFER)));
  expect(ids).toEqual([OLD, OLD + 1, 0, 1]);
  peer.say(0, amqp.disposition(true, OLD + 1, 0, amqp.accepted));
  peer.say(0, amqp.flow(0, 5, { 0: uint(2), 5: uint(2), 8: TRUE }));
  peer.say(0, amqp.flow(undefined, 0, { 0: NULL, 9: TRUE }));
  await expect.poll(() => settled).toEqual([OLD + 1, OLD + 2]);
  const [, , next] = fieldsOf(await peer.hears(amqp.FLOW));
  expect(next).toBe(2);
});
