// All limits of this process, by name, each made when an agent first needs it. Where time is virtual they let everything through at
// once, unless a test holds them: nothing waits there for a minute to pass.
import type { LimitConfig } from '../../../contract/config.ts';
import type { Clock, Logger } from '../../../contract/ports.ts';
import type { LimitSettings } from '../../../control/limit/protocol.ts';
import type { ControlMailbox } from '../../../mailbox/control-mailbox.ts';
import { type Acquired, LimitClient, type LimitCounters } from './limit-client.ts';

/** A limit as an agent's pump and its tasks see it. */
export interface Limit {
  readonly name: string;
  /** What calls of it are measured by, ms; it never goes back. */
  now(): number;
  acquire(tokens: number, signal?: AbortSignal): Promise<Acquired>;
  /** Resolves when one more task than are on their way would be let through; undefined where it would be at once. */
  ready(ahead: number, signal: AbortSignal): Promise<void> | undefined;
}

export interface LimitsOptions {
  readonly limits: Readonly<Record<string, LimitConfig>>;
  readonly mailbox: ControlMailbox;
  readonly process: string;
  readonly lockDurationMs: number;
  readonly clock: Clock;
  /** Also where time is virtual. */
  readonly holdsLimits?: boolean;
  readonly logger: Logger;
  readonly counters: Record<string, LimitCounters>;
}

export interface Limits {
  /** Undefined where no limit has that name. */
  of(name: string | undefined): Limit | undefined;
  close(): Promise<void>;
  /** How each stands in this process. */
  read(): readonly { readonly name: string; readonly isOpen: boolean; readonly waiting: number }[];
}

export function createLimits(options: LimitsOptions): Limits {
  const known = new Map<string, Limit>();
  const clients: LimitClient[] = [];
  const begunAt = Math.floor(options.clock.now());
  const make = (name: string, config: LimitConfig): Limit => {
    const counters = newLimitCounters();
    options.counters[name] = counters;
    const { mailbox, process, lockDurationMs, clock, logger } = options;
    const isVirtual = clock.skips === true;
    if (isVirtual && options.holdsLimits !== true) return openLimit(name, counters);
    const target = { kind: 'limit', name } as const;
    const client = new LimitClient({
      name,
      settings: settingsOf(config),
      revision: config.revision ?? 0,
      process,
      begunAt,
      silenceMs: lockDurationMs,
      now: () => (isVirtual ? clock.now() : performance.now()),
      isVirtual,
      listen: (onValue) => mailbox.listen(`limit:${name}`, onValue).address,
      send: (ask) => mailbox.tell(target, { ...ask } as never),
      ...yieldsOf(config),
      logger,
      counters,
    });
    clients.push(client);
    const other = config.fallback === undefined ? undefined : of(config.fallback);
    return other === undefined ? client : withFallback(client, other, config);
  };
  const of = (name: string | undefined): Limit | undefined => {
    const config = name === undefined ? undefined : options.limits[name];
    if (name === undefined || config === undefined) return undefined;
    const limit = known.get(name) ?? make(name, config);
    known.set(name, limit);
    return limit;
  };
  return {
    of,
    read: () => clients,
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

function settingsOf({ requestsPerMinute, tokensPerMinute, concurrent }: LimitConfig): LimitSettings {
  return {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
    ...(concurrent === undefined ? {} : { concurrent }),
  };
}

/** What has a fallback is not waited for at all; what is to fail is waited for as long as it is only too fast. */
function yieldsOf({ fallback, onOpen }: LimitConfig): { readonly yields?: 'open' | 'paused' } {
  if (fallback !== undefined) return { yields: 'paused' };
  return onOpen === 'fail' ? { yields: 'open' } : {};
}

/** While it is closed the other one lets calls through. */
function withFallback(own: LimitClient, other: Limit, { onOpen = 'wait' }: LimitConfig): Limit {
  return {
    name: own.name,
    now: () => own.now(),
    ready: (ahead, signal) =>
      own.closed() === undefined ? own.ready(ahead, signal) : other.ready(ahead, signal),
    acquire: async (tokens, signal) => {
      const first = await own.acquire(tokens, signal);
      if (first.kind !== 'closed') return first;
      const second = await other.acquire(tokens, signal);
      if (second.kind === 'granted') return second;
      const waitMs = Math.min(first.waitMs, second.waitMs);
      return first.why === 'open' && onOpen === 'fail' ? first : { kind: 'later', waitMs };
    },
  };
}

function newLimitCounters(): LimitCounters {
  return { granted: 0, waited: 0, putOff: 0, asks: 0, throttled: 0, opened: 0 };
}

function openLimit(name: string, counters: LimitCounters): Limit {
  return {
    name,
    now: () => performance.now(),
    ready: () => undefined,
    acquire: async (tokens) => {
      counters.granted += 1;
      const end = (): void => {};
      return { kind: 'granted', permit: { limit: name, tokens, end, undo: end } };
    },
  };
}
