/** What can be made to go wrong on purpose, as data: it crosses threads and the control side as it is. */

/** What clients ask for, as faults tell it apart; `admin` is a change of the topology over HTTP. */
export const FAULT_OPERATIONS = [
  'send',
  'schedule',
  'cancel',
  'settle',
  'renew',
  'accept',
  'state-read',
  'state-write',
  'receive-deferred',
  'peek',
  'delete',
  'rules',
  'sessions',
  'admin',
] as const;
export type FaultOperation = (typeof FAULT_OPERATIONS)[number];

/**
 * The instants of an operation at which a fault can strike: it is here and nothing has been done; it is on disk and
 * nobody knows; its answer has left for the client.
 */
export const FAULT_POINTS = ['arrived', 'committed', 'acknowledged'] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

/** How often, of those operations that fit. */
export interface FaultCount {
  /** Lets so many pass first; default 0. */
  readonly skip?: number;
  /** Default 1. */
  readonly times?: number | 'always';
}

/** Which operations a fault waits for; what is left out fits anything. */
export interface FaultTrigger extends FaultCount {
  readonly operation?: FaultOperation;
  readonly entity?: string;
  readonly session?: string;
  readonly messageId?: string;
  /** The container id with which the client opened its connection. */
  readonly container?: string;
}

/** Connections: all of them, or those that fit everything given. */
export interface ConnectionTarget {
  readonly container?: string;
  /** Connections with a link to it or below it. */
  readonly entity?: string;
}

/** Locks of one entity: all of them, or those that fit everything given. */
export interface LockTarget {
  readonly entity: string;
  readonly session?: string;
  readonly messageId?: string;
  readonly sequenceNumber?: number;
}

export type Fault =
  /** The client is told this condition; at `committed` although the operation has been done. */
  | {
      readonly kind: 'reject';
      readonly on: FaultTrigger;
      /** Default arrived. */
      readonly at?: 'arrived' | 'committed';
      /** Such as com.microsoft:server-busy. */
      readonly condition: string;
      readonly description?: string;
    }
  /** The operation, or its answer, waits in real time; without `ms` until the fault is cleared. */
  | {
      readonly kind: 'delay';
      readonly on: FaultTrigger;
      /** Default arrived. */
      readonly at?: 'arrived' | 'committed';
      readonly ms?: number;
    }
  /** Cut without a goodbye: at once, or by an operation, by default the connection that it came over. */
  | {
      readonly kind: 'drop-connection';
      readonly on?: FaultTrigger;
      /** Default arrived. */
      readonly at?: FaultPoint;
      readonly of?: ConnectionTarget;
    }
  /** As if its time were over: at once, or by an operation, by default the lock of its message or session. */
  | {
      readonly kind: 'lose-lock';
      readonly on?: FaultTrigger;
      /** Default arrived. */
      readonly at?: FaultPoint;
      readonly of?: LockTarget;
    }
  /**
   * A message comes twice: a copy follows its delivery as soon as the link has room, or it comes back to the queue
   * although its completion was acknowledged.
   */
  | {
      readonly kind: 'duplicate';
      readonly on?: DeliveryTrigger;
      /** Default delivery. */
      readonly after?: 'delivery' | 'settlement';
    }
  /** The broker ends as it is, without a flush or a goodbye; with `process` its whole process, as by kill -9. */
  | {
      readonly kind: 'stop';
      readonly on: FaultTrigger;
      /** Default committed. */
      readonly at?: FaultPoint;
      readonly process?: boolean;
    };

/** Which deliveries a fault waits for. */
export interface DeliveryTrigger extends FaultCount {
  readonly entity?: string;
  readonly session?: string;
  readonly messageId?: string;
}

export type FaultKind = Fault['kind'];

export interface FaultStatus {
  readonly id: string;
  readonly fault: Fault;
  /** How often it has struck; of a fault that acted at once, how many connections or locks it met. */
  readonly triggered: number;
  /** It will not strike again. */
  readonly spent: boolean;
}

/** The fault port. Calls are promises because the broker may run in another thread. */
export interface Faults {
  /** Returns the fault's id. Throws BROKER_FAULT_INVALID. */
  inject(fault: Fault): Promise<string>;
  /** Takes one back, or all; what a delay holds continues. */
  clear(id?: string): Promise<void>;
  list(): Promise<FaultStatus[]>;
  /** Resolves when the fault has struck so often, by default once. */
  triggered(id: string, count?: number): Promise<void>;
}
