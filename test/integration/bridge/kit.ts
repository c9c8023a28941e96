// A bridge over a broker of its own on a real socket, and the few helpers that its tests share.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, type BrokerOptions, createBroker, type EntityStatus } from 'quorate-broker';
import { afterEach } from 'vitest';
import { type BridgeOptions, type CuttableBridge, createBridge } from '../../../src/bridge/bridge.ts';
import { toBrokerTopology } from '../../../src/bridge/topology/topology.ts';
import { type EntityDeclaration, MAX_DELIVERY_COUNT } from '../../../src/contract/entities.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { HeldSession, Logger } from '../../../src/contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../../src/contract/wire.ts';

export const ACTORS = 'actor.test';
export const TASKS = 'agent.test';
export const EVENTS = 'events';
export const REPLIES = 'replies';
const DUPLICATE_WINDOW_MS = 60_000;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export function entities(lockDurationMs: number): EntityDeclaration[] {
  const common = {
    lockDurationMs,
    duplicateWindowMs: DUPLICATE_WINDOW_MS,
    maxDeliveryCount: MAX_DELIVERY_COUNT,
  };
  return [
    { ...common, kind: 'queue', name: ACTORS, requiresSession: true },
    { ...common, kind: 'queue', name: REPLIES, requiresSession: true },
    { ...common, kind: 'queue', name: TASKS, deadLetterOnExpiration: true },
    { kind: 'topic', name: EVENTS, duplicateWindowMs: DUPLICATE_WINDOW_MS },
  ];
}

export interface World {
  readonly bridge: CuttableBridge;
  readonly broker: Broker;
  readonly prefix: string;
  /** Another process' view of the same broker. */
  readonly connect: (more?: Partial<BridgeOptions>) => Promise<CuttableBridge>;
  /** Ends the broker's process, so to say, and starts another on the same data and port. */
  readonly restart: (whileAway?: () => Promise<unknown>) => Promise<void>;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

export function atEnd(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

export interface WorldOptions {
  readonly lockDurationMs?: number;
  /** Keeps its data in a folder, so that it can be restarted. */
  readonly durable?: boolean;
  readonly bridge?: Partial<BridgeOptions>;
  /** The first one is that of `bridge`. */
  readonly keys?: BrokerOptions['keys'];
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { lockDurationMs = 30_000, durable = false } = options;
  const keys = options.keys === undefined ? {} : { keys: options.keys };
  const prefix = 'it-';
  const topology = toBrokerTopology(entities(lockDurationMs), prefix);
  const data = durable ? await mkdtemp(join(tmpdir(), 'quorate-bridge-')) : ({ memory: true } as const);
  let broker = await createBroker({ data, port: 0, topology, ...keys });
  const { port, connectionString } = broker;
  atEnd(async () => {
    await broker.stop();
    if (typeof data === 'string') await rm(data, { recursive: true, force: true });
  });
  const connect = async (more: Partial<BridgeOptions> = {}): Promise<CuttableBridge> => {
    const bridge = await createBridge({
      connection: { kind: 'connectionString', connectionString },
      prefix,
      topology: 'check',
      lockDurationMs,
      duplicateWindowMs: DUPLICATE_WINDOW_MS,
      logger: process.env['BRIDGE_LOG'] === undefined ? silent : console,
      embedded: true,
      ...options.bridge,
      ...more,
    });
    atEnd(() => bridge.close());
    return bridge;
  };
  const restart = async (whileAway?: () => Promise<unknown>): Promise<void> => {
    await broker.stop();
    await whileAway?.();
    broker = await createBroker({ data, port, topology });
  };
  return {
    get broker() {
      return broker;
    },
    prefix,
    connect,
    restart,
    bridge: await connect(),
  };
}

export function toSession(sessionId: string, n: number, more: Partial<WireMessage> = {}): WireMessage {
  return {
    entity: ACTORS,
    messageId: randomUUID(),
    subject: 'event',
    sessionId,
    body: { kind: 'event', event: { type: 'N', n } },
    ...more,
  };
}

export function task(n: number, more: Partial<WireMessage> = {}): WireMessage {
  return { entity: TASKS, messageId: randomUUID(), subject: 'task', body: { n }, ...more };
}

/** The number that `toSession` and `task` put in. */
export function numberOf({ body }: InboundMessage): number {
  const { n, event } = body as { n?: number; event?: { n: number } };
  return n ?? event?.n ?? Number.NaN;
}

export interface Signal<T> {
  readonly promise: Promise<T>;
  readonly fire: (value: T) => void;
}

export function signal<T = void>(): Signal<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, fire: resolve };
}

/** Resolves once `count` values were given. */
export function collect<T>(count: number): {
  readonly all: T[];
  readonly done: Promise<void>;
  add(value: T): void;
} {
  const all: T[] = [];
  const done = signal();
  return {
    all,
    done: done.promise,
    add(value) {
      all.push(value);
      if (all.length === count) done.fire();
    },
  };
}

/** What an actor host does in the least: commit, then settle everything that came. */
export async function consume(
  session: HeldSession,
  onMessage: (message: InboundMessage) => void,
  idleMs = 100,
): Promise<void> {
  const read = await session.readState();
  let count = read.kind === 'state' ? ((read.state as { count?: number } | null)?.count ?? 0) : 0;
  for (;;) {
    const taken = await session.take({ max: 100, idleMs });
    if (taken.kind !== 'messages') return;
    count += taken.messages.length;
    const state: Json = { count };
    if ((await session.commit(state)) === 'lost') return;
    for (const message of taken.messages) onMessage(message);
    const settled = await Promise.all(taken.messages.map((one) => session.settle(one, { kind: 'complete' })));
    if (settled.includes('lost')) return;
  }
}

export const pumpDefaults = { entity: ACTORS, maxSessions: 16, window: 64, holdQuantumMs: 1_000 } as const;

/** The counts of one entity, by its name without the prefix. */
export async function statusOf({ broker, prefix }: World, entity: string): Promise<EntityStatus | undefined> {
  return (await broker.status()).find(({ name }) => name === `${prefix}${entity}`);
}
