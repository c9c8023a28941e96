/** Puts the control of a running broker together. */
import type { AmqpServer } from '../amqp/server.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { BrokerError } from '../errors.ts';
import { CarriedLocks } from './carried-locks.ts';
import type { BrokerControl } from './control.ts';
import type { FaultWorld } from './fault-port.ts';
import { Quiet } from './quiet.ts';
import { TimeTravel } from './time-travel.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { createFaultWorld } from './world.ts';

export interface Controlled {
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
