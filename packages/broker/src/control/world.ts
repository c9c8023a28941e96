/** What faults do to connections and locks. */
import type { AmqpServer } from '../amqp/server.ts';
import type { Namespace } from '../core/namespace.ts';
import type { Queue } from '../core/queue.ts';
import type { ConnectionTarget, LockTarget } from './fault.ts';
import type { FaultWorld } from './fault-port.ts';

export function createFaultWorld(
  namespace: Namespace,
  server: AmqpServer,
  stop: FaultWorld['stop'],
): FaultWorld {
  return {
    stop,
    drop: (of) => drop(server, of),
    loseLocks: (of) => {
      const queue = namespace.source(of.entity);
      return queue ? loseLocks(queue, of) : 0;
    },
  };
}

function drop(server: AmqpServer, { container, entity }: ConnectionTarget): number {
  const dropped = [...server.peers()].filter(
    (peer) =>
      peer.client.live &&
      (container === undefined || peer.client.container === container) &&
      (entity === undefined || peer.uses(entity)),
  );
  for (const { client } of dropped) client.cut();
  return dropped.length;
}

function loseLocks(queue: Queue, { session, messageId, sequenceNumber }: LockTarget): number {
  const { core, plain, sessions } = queue;
  const holds = [...(sessions?.holds ?? [])].filter(
    (hold) => session === undefined || hold.session.id === session,
  );
  for (const hold of holds) sessions?.lose(hold);
  const locks = [...(plain?.locks ?? [])].filter(
    ({ open, message }) =>
      open &&
      (sequenceNumber === undefined || message.seq === sequenceNumber) &&
      (messageId === undefined || core.envelopeOf(message).messageId === messageId),
  );
  plain?.lose(locks);
  return holds.length + locks.length;
}
