import type { Clock } from './clock.ts';
import type { Topology } from './topology.ts';

export interface BrokerOptions {
  /** A folder for the data, or a store that ends with the broker. */
  data: string | { memory: true };
  /** Default 127.0.0.1. */
  host?: string;
  /** Exactly this one (0 = any free); by default 5672, else the next free one. */
  port?: number;
  topology?: Topology;
  /** Key names and keys; by default one is drawn and kept in the data folder. */
  keys?: Record<string, string>;
  /** Limit of the data file in pages of 4 KB. */
  maxPages?: number;
  /** Default 262,144, as on the standard tier; holds for messages and session states. */
  maxMessageBytes?: number;
}

export interface LocalBrokerOptions extends BrokerOptions {
  clock?: Clock;
}

export interface EntityStatus {
  name: string;
  kind: 'queue' | 'topic' | 'subscription';
  active: number;
  scheduled: number;
  deferred: number;
  deadLettered: number;
  /** Sessions with messages or state. */
  sessions: number;
  /** Locked messages, or locked sessions where sessions are required. */
  locks: number;
}

export interface Broker {
  readonly port: number;
  readonly connectionString: string;
  /** Creates or updates entities, never removes any. */
  declare(topology: Topology): Promise<void>;
  status(): Promise<EntityStatus[]>;
  /** What happened since the start, by name. */
  counters(): Promise<Record<string, number>>;
  /** Resolves once, when the broker has stopped or failed. */
  readonly closed: Promise<{ reason: string }>;
  stop(): Promise<void>;
}
