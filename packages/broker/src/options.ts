// What a broker is started with, and what it then offers.
import type { Keys } from './access/grant.ts';
import type { Clock } from './clock.ts';
import type { BrokerControl } from './control/control.ts';
import type { VirtualTime } from './control/virtual-clock.ts';
import type { BrokerErrorCode } from './errors.ts';
import type { Topology } from './topology.ts';

/** How a broker is started; only `data` is needed. */
export interface BrokerOptions {
  /** A folder for the data, or a store that ends with the broker. */
  data: string | { memory: true };
  /** Default 127.0.0.1. */
  host?: string;
  /** Exactly this one (0 = any free); by default 5672, else the next free one. */
  port?: number;
  topology?: Topology;
  /** Key names and keys; by default one is drawn and kept in the data folder. */
  keys?: Keys;
  /** TLS beside plain AMQP and HTTP on the same port, with a certificate of the broker's own authority. */
  tls?: boolean;
  /** Web pages that may speak to it, such as `https://app.example`; '*' = all. By default none but its own address. */
  allowOrigins?: readonly string[];
  /**
   * Takes tokens of Entra ID although it cannot check who has signed them; by default only where it listens on this
   * machine alone.
   */
  unsignedTokens?: boolean;
  /** How long a client may take to say what it speaks, to open its connection, or over one HTTP request; default 20 s. */
  handshakeTimeoutMs?: number;
  /** Limit of the data file in pages of 4 KB. */
  maxPages?: number;
  /** Limits of sizes as the service's tiers have them; default standard. */
  tier?: 'standard' | 'premium';
  /** Answers server-busy beyond so many operations a second; a message counts as one. Off by default. */
  throttling?: { operationsPerSecond: number };
  /**
   * Idle links and connections are ended as the service does it: links after 10 minutes, connections 5 minutes after
   * their last link or a minute without a first. Infinity = never.
   */
  idle?: { linkMs?: number; connectionMs?: number; firstLinkMs?: number };
  /** In place of the tier's limits, for messages and session states. */
  maxMessageBytes?: number;
  /** 'virtual': time stands still until `advance` skips it. */
  clock?: 'virtual' | VirtualTime;
}

/** The same for a broker in this thread, which may also go by a clock of the caller. */
export interface LocalBrokerOptions extends Omit<BrokerOptions, 'clock'> {
  clock?: Clock | 'virtual' | VirtualTime;
  /** Where another thread sees it live. */
  pulse?: SharedArrayBuffer;
}

/** What one queue, topic or subscription holds. */
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

/** `code`: what its store failed of; `died`: its thread hung or ended by itself. */
export interface BrokerEnd {
  readonly reason: string;
  readonly code?: BrokerErrorCode;
  readonly died?: true;
}

/** A running broker: where it is, what it holds, and its end. */
export interface Broker extends BrokerControl {
  readonly port: number;
  readonly connectionString: string;
  /** With TLS: the authority that clients have to trust, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string | undefined;
  /** The broker's time: that of messages, schedules and expiries. */
  now(): number;
  /** Creates or updates entities, never removes any. */
  declare(topology: Topology): Promise<void>;
  status(): Promise<EntityStatus[]>;
  /** What happened since the start, by name; `connections` and `endpoints` (AMQP sessions and links) are those open now. */
  counters(): Promise<Record<string, number>>;
  /** Resolves once, when the broker has stopped or failed. */
  readonly closed: Promise<BrokerEnd>;
  stop(): Promise<void>;
}
