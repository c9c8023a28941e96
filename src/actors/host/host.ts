// What a host needs to hold sessions of one machine type, put together by the runtime; and how the hold of one ends.
import type { Json } from '../../contract/json.ts';
import type { AgentPause } from '../../contract/orders.ts';
import type { Payloads, ResultStore } from '../../contract/payload.ts';
import type {
  Bridge,
  Clock,
  DeferredStore,
  InspectionSink,
  Logger,
  WorkerPool,
} from '../../contract/ports.ts';
import type { MachineRef, Registry } from '../../contract/turn.ts';
import type { Funds } from '../../contract/usage.ts';
import type { DayLimit } from '../../control/tenant/protocol.ts';
import type { Cancellations } from '../protocol/cancellations.ts';
import type { Actions } from './actions/custom-actions.ts';
import type { Admission } from './admission.ts';
import type { HostMetrics } from './metrics.ts';
import type { TimerMemory } from './outbox/scheduled.ts';
import type { RecordSink } from './records/record.ts';
import type { Gate } from './unsent/gates.ts';
import type { SavedOf } from './unsent/saved.ts';

export interface HostCounters {
  /** Inputs that machines or gathers took. */
  applied: number;
  commits: number;
  /** Late, repeated or no longer wanted (I9). */
  dropped: number;
  /** Of those: had been applied before. */
  repeated: number;
  poisoned: number;
  /** Actors that ended because their machine could not take an internal input (I7). */
  failed: number;
}

export function newHostCounters(): HostCounters {
  return { applied: 0, commits: 0, dropped: 0, repeated: 0, poisoned: 0, failed: 0 };
}

export interface OlderVersion {
  readonly machine: MachineRef;
  readonly definition: Json;
}

export interface ActorHost {
  readonly machine: MachineRef;
  readonly registry: Registry;
  readonly definition: Json;
  /** Version -> the machine that actors of it stay on. */
  readonly older: ReadonlyMap<string, OlderVersion>;
  /** Export that moves actors of other versions to this one. */
  readonly migrate?: string;
  readonly onPoison: 'continue' | 'quarantine';
  readonly pool: WorkerPool;
  readonly actions: Actions;
  readonly bridge: Bridge;
  /** Dead letters, for who asks what their redrive would come to. */
  readonly letters: Pick<DeferredStore, 'browse'>;
  readonly payloads: Payloads;
  readonly results: ResultStore;
  readonly cancellations: Cancellations;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inspection: InspectionSink;
  readonly counters: HostCounters;
  readonly metrics: HostMetrics;
  readonly timerMemory: TimerMemory;
  readonly duplicateWindowMs: number;
  readonly retentionMs: number;
  readonly turnTimeoutMs: number;
  /** What holds work back (unsent/gates.ts); none where nothing of the configuration does. */
  readonly gates?: readonly Gate[];
  /** What an attempt of this agent with this input uses at most. */
  readonly fundsOf?: (agent: string, input: Json, topic?: string) => Funds;
  /** What it would have used, where it is let go of before it leaves. */
  readonly savedOf?: SavedOf;
  /** What tenants may use in a day. */
  readonly tenants?: Readonly<Record<string, DayLimit>>;
  /** The agent that is told of new questions to people. */
  readonly notifyAsks?: string | undefined;
  /** A model of an agent that has no price now. */
  readonly unpriced?: (() => string | undefined) | undefined;
  /** Tells the index of consoles; absent where nobody asked for one. */
  readonly records?: RecordSink | undefined;
  /** Refuses new runs; none where nothing is configured. */
  readonly admission?: Admission;
  /** Why no task of an agent begins now, where people paused it. */
  readonly pauseOf?: (agent: string) => AgentPause | undefined;
  /** A session of this type was written by a newer version or build (I14): it is left to a host that knows it. */
  readonly onForeignState: (actor: string, why: string) => void;
  /** A start names a folder without a signature of this payload store. */
  readonly onUnsigned: (folder: string) => void;
}

/**
 * Ends the hold of a session: its lock is gone (I1), or something that the actor needs is not there now. It is thrown where
 * that is found, after it was logged. hold.ts catches it; nothing in between hands it on. What was in hand stays for the next
 * holder.
 */
export class HoldEnded extends Error {
  override readonly name = 'HoldEnded';

  constructor() {
    super('the session is not held any more');
  }
}
