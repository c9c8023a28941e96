// Puts the control of a running broker together, with what faults do to connections and locks.
import type { AmqpServer } from '../amqp/server.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import type { Queue } from '../core/queue.ts';
import { BrokerError } from '../errors.ts';
import type { BrokerControl } from './control.ts';
import type { ConnectionTarget, LockTarget } from './fault.ts';
import type { FaultWorld } from './fault-port.ts';
import { Quiet } from './quiet.ts';
import { CarriedLocks, TimeTravel } from './time-travel.ts';
import type { VirtualClock } from './virtual-clock.ts';

function createFaultWorld(namespace: Namespace, server: AmqpServer, stop: FaultWorld['stop']): FaultWorld {
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

interface Controlled {
  readonly core: Core;
  readonly namespace: Namespace;
  readonly server: AmqpServer;
  readonly openRequests: () => number;
  /** Undefined = time is real. */
  readonly clock: VirtualClock | undefined;
  readonly crash: FaultWorld['stop'];
}

export interface Control extends BrokerControl {
  /** The broker ends: all that wait are told. */
  end(): void;
}

export function createControl(of: Controlled): Control {
  const { core, namespace, server, clock } = of;
  core.faults.world = createFaultWorld(namespace, server, of.crash);
  const queues = () => namespace.sources.values();
  const quiet = new Quiet({ core, queues, peers: () => server.peers(), openRequests: of.openRequests });
  const travel = clock && new TimeTravel(clock, core.alarms, new CarriedLocks(queues), quiet);
  return {
    faults: core.faults,
    advance: async (ms, options) => {
      if (!travel) throw realClock();
      return travel.advance(ms, options);
    },
    nextDue: async () => {
      if (!travel) throw realClock();
      return travel.nextDue();
    },
    end: () => {
      quiet.stop();
      core.faults.close();
    },
  };
}

function realClock(): BrokerError {
  return new BrokerError('BROKER_CLOCK_REAL', 'This broker runs on the real clock, which cannot be skipped.');
}
