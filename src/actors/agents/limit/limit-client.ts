// One limit in this process: who waits for it here, and what is said to its limiter. All agents that name it share it. Nothing is
// sent while nobody waits and nothing runs.
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { Json } from '../../../contract/json.ts';
import type { Logger } from '../../../contract/ports.ts';
import { type Ended, Lease } from '../../../control/limit/lease.ts';
import type { Ask, Grant, LimitSettings, Push } from '../../../control/limit/protocol.ts';
import { describeSettings } from './describe.ts';

/** What was received and does not fit holds its lock so long, and is sent again. */
const HOLD_MS = 1_000;
/** A limiter that says nothing: its host has died, or no host of it runs. */
const SILENT_MS = 10_000;

/** One call that may take place. */
export interface Permit {
  /** The limit that it counts for. */
  readonly limit: string;
  readonly tokens: number;
  /** It is over. `used`: tokens that it really took, as far as anybody knows. */
  end(how: Ended, used?: number): void;
  /** It does not take place. */
  undo(): void;
}

export type Acquired =
  | { readonly kind: 'granted'; readonly permit: Permit }
  /** To be tried again in so many ms at the earliest. */
  | { readonly kind: 'later'; readonly waitMs: number }
  /** Of a limit that is not waited for. */
  | Closed;

export interface Closed {
  readonly kind: 'closed';
  /** Because calls fail over there, or because it asked to wait. */
  readonly why: 'open' | 'paused';
  readonly waitMs: number;
}

export interface LimitCounters {
  /** Calls that were let through, and how many of these had to wait for it with their message in hand. */
  granted: number;
  waited: number;
  /** Sent again for later. */
  putOff: number;
  /** Asks that were sent, repeats included. */
  asks: number;
  /** Answers of the other side that it was too much. */
  throttled: number;
  /** How often its breaker has opened, as far as this process was told. */
  opened: number;
}

export interface LimitClientOptions {
  readonly name: string;
  readonly settings: LimitSettings;
  readonly revision: number;
  readonly process: string;
  /** When it began, epoch ms. */
  readonly begunAt: number;
  readonly silenceMs: number;
  /** Of this process; never goes back. */
  readonly now: () => number;
  /** Opens what answers come to: called once, with the first ask. */
  readonly listen: (onValue: (value: Json) => void) => ReplyAddress;
  readonly send: (ask: Ask) => Promise<unknown>;
  /** What is not waited for: an open breaker, or a pause of more than a second too. Default: all is. */
  readonly yields?: 'open' | 'paused';
  /** Time stands still while anybody works: what does not fit now is put off at once, and no timer rings. */
  readonly isVirtual?: boolean;
  readonly logger: Logger;
  readonly counters: LimitCounters;
}

interface Waiter {
  readonly tokens: number;
  readonly resolve: (acquired: Acquired) => void;
  /** It is put off. */
  readonly leave: () => void;
}

interface Next {
  readonly ahead: number;
  readonly resolve: () => void;
}

export class LimitClient {
  readonly name: string;
  readonly #options: LimitClientOptions;
  readonly #waiters = new Set<Waiter>();
  /** Those who would take one more task. */
  readonly #ready = new Set<Next>();
  #lease: Lease | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unansweredSince: number | undefined;
  #isSilent = false;
  #closed = false;

  constructor(options: LimitClientOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Calls that wait here now. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Whether its breaker is open, as far as is known here. */
  get isOpen(): boolean {
    return this.#lease !== undefined && this.#lease.openMs(this.#now) > 0;
  }

  /** What calls of it are measured by, ms; it never goes back. */
  now(): number {
    return this.#now;
  }

  /** Within HOLD_MS, or as long as `signal` lets it wait. */
  async acquire(tokens: number, signal?: AbortSignal): Promise<Acquired> {
    const lease = this.#open();
    const closed = this.closed();
    if (closed !== undefined) return closed;
    if (this.#waiters.size === 0 && lease.begin(this.#now, tokens)) return this.#granted(tokens, lease);
    const isVirtual = this.#options.isVirtual === true;
    // The attempt that waits here would keep the time from passing that it waits for.
    if (isVirtual && signal !== undefined) {
      lease.beginAnyway();
      return this.#granted(0, lease);
    }
    const { promise, resolve } = Promise.withResolvers<Acquired>();
    const leave = (): void => {
      if (this.#waiters.delete(waiter)) resolve({ kind: 'later', waitMs: this.#waitMs() });
    };
    const timer = signal === undefined && !isVirtual ? setTimeout(leave, HOLD_MS) : undefined;
    const waiter: Waiter = { tokens, resolve, leave };
    this.#waiters.add(waiter);
    signal?.addEventListener('abort', leave, { once: true });
    this.#pass();
    const acquired = await promise;
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
    if (acquired.kind !== 'closed')
      this.#options.counters[acquired.kind === 'granted' ? 'waited' : 'putOff'] += 1;
    return acquired;
  }

  /** Resolves when one more task than are on their way would be let through; undefined where it would be at once. */
  ready(ahead: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#options.isVirtual === true || this.closed() !== undefined) return undefined;
    if (this.#closed || signal.aborted || this.#open().room(this.#now) > ahead) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const next: Next = { ahead, resolve };
    const leave = (): void => {
      if (this.#ready.delete(next)) resolve();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#ready.add(next);
    this.#pass();
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Set where what it has to wait for is not waited for. */
  closed(): Closed | undefined {
    const { yields } = this.#options;
    if (yields === undefined || this.#lease === undefined) return undefined;
    const now = this.#now;
    const openMs = this.#lease.openMs(now);
    if (openMs > 0) return { kind: 'closed', why: 'open', waitMs: openMs };
    const pausedMs = this.#lease.pausedMs(now);
    return yields === 'paused' && pausedMs > HOLD_MS
      ? { kind: 'closed', why: 'paused', waitMs: pausedMs }
      : undefined;
  }

  /** Says that nothing runs here any more, where that is counted. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { resolve } of this.#ready) resolve();
    this.#ready.clear();
    const last = this.#lease?.leave(this.#now);
    if (last !== undefined) await this.#options.send(last).catch(() => {});
  }

  get #now(): number {
    return this.#options.now();
  }

  #open(): Lease {
    if (this.#lease !== undefined) return this.#lease;
    const { process, settings, revision, begunAt, silenceMs, listen, isVirtual = false } = this.#options;
    const from = listen((value) => this.#hear(value));
    this.#lease = new Lease({
      process,
      from,
      settings,
      revision,
      begunAt,
      silenceMs,
      reportsAtOnce: isVirtual,
    });
    return this.#lease;
  }

  #granted(tokens: number, lease: Lease): Acquired {
    const { counters, name } = this.#options;
    const { number } = lease;
    counters.granted += 1;
    let open = true;
    const once = (what: () => void): void => {
      if (!open) return;
      open = false;
      what();
      this.#pass();
    };
    return {
      kind: 'granted',
      permit: {
        limit: name,
        tokens,
        end: (how, used = 0) =>
          once(() => {
            if (how.kind === 'throttled') counters.throttled += 1;
            lease.ended(this.#now, how, Math.max(0, used - tokens));
          }),
        undo: () =>
          once(() => {
            counters.granted -= 1;
            lease.undo(this.#now, tokens, number);
          }),
      },
    };
  }

  #hear(value: Json): void {
    const lease = this.#open();
    const before = {
      settings: lease.settings,
      revision: lease.revision,
      isOpen: lease.openMs(this.#now) > 0,
    };
    if ((value as { readonly push?: true }).push === true) {
      lease.pushed(this.#now, value as unknown as Push);
    } else {
      lease.answered(this.#now, value as unknown as Grant);
      this.#unansweredSince = undefined;
      this.#said(lease, before);
    }
    this.#sayOpen(before.isOpen, lease.openMs(this.#now));
    this.#pass();
  }

  #said(lease: Lease, before: Pick<Lease, 'settings' | 'revision'>): void {
    const { logger, name, revision } = this.#options;
    if (this.#isSilent) logger.info(`the limiter of '${name}' answers again`, { limit: name });
    this.#isSilent = false;
    const allowed = describeSettings(lease.settings);
    const isOther = lease.revision !== before.revision && lease.revision !== revision;
    if (isOther || allowed !== describeSettings(before.settings))
      logger.info(`limit '${name}' is ${allowed} now, revision ${lease.revision}`, {
        limit: name,
        revision: lease.revision,
      });
  }

  #sayOpen(was: boolean, openMs: number): void {
    const { logger, name, counters } = this.#options;
    if (was === openMs > 0) return;
    if (was)
      return logger.info(`the breaker of limit '${name}' has closed: calls are made again`, { limit: name });
    counters.opened += 1;
    const forS = Math.ceil(openMs / 1_000);
    logger.warn(`the breaker of limit '${name}' has opened: its calls fail, and none is made for ${forS} s`, {
      limit: name,
      code: 'LIMIT_OPEN',
    });
  }

  /** Lets through who can be, asks where something is to be asked, and looks again when it is time. */
  #pass(): void {
    const lease = this.#open();
    const now = this.#now;
    const closed = this.closed();
    if (closed !== undefined) {
      for (const waiter of this.#waiters) waiter.resolve(closed);
      for (const { resolve } of this.#ready) resolve();
      this.#waiters.clear();
      this.#ready.clear();
    }
    for (const waiter of this.#waiters) {
      if (!lease.begin(now, waiter.tokens)) break;
      this.#waiters.delete(waiter);
      waiter.resolve(this.#granted(waiter.tokens, lease));
    }
    if (this.#waiters.size === 0) {
      let room = lease.room(now);
      for (const next of this.#ready) {
        if (room <= next.ahead) continue;
        room -= 1;
        this.#ready.delete(next);
        next.resolve();
      }
    }
    if (this.#closed) return;
    const [first] = this.#waiters;
    const demand = { count: this.#waiters.size + this.#ready.size, first: first?.tokens };
    const ask = lease.ask(now, demand);
    if (ask !== undefined) this.#send(ask, now);
    if (this.#options.isVirtual === true) {
      if (!lease.isAsking) for (const { leave } of this.#waiters) leave();
      return;
    }
    const lookAt = lease.lookAt(now, demand);
    clearTimeout(this.#timer);
    if (lookAt === undefined) return;
    this.#timer = setTimeout(() => this.#pass(), Math.max(1, lookAt - now));
    this.#timer.unref();
  }

  #send(ask: Ask, now: number): void {
    const { counters, logger, name, send } = this.#options;
    counters.asks += 1;
    this.#unansweredSince ??= now;
    if (!this.#isSilent && now - this.#unansweredSince > SILENT_MS) {
      this.#isSilent = true;
      const why =
        'the work of its agents waits; does a host with the role actors run whose configuration has limits?';
      logger.warn(`the limiter of '${name}' has not answered for ${SILENT_MS / 1_000} s: ${why}`, {
        limit: name,
      });
    }
    send(ask).catch((thrown: unknown) =>
      logger.debug('an ask of a limit was not sent', { limit: name, reason: String(thrown) }),
    );
  }

  #waitMs(): number {
    return Math.max(HOLD_MS, this.#open().waitMs(this.#now));
  }
}
