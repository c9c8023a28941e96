// What people have ordered of all processes, as this one has heard it. It asks at its start and again every few seconds, and is told of a
// change at once. What it heard counts for a while only: a process that nobody answers begins nothing that might be paused, so a pause
// holds everywhere after that time, whatever was lost on the way.
import type { EventJson, Json } from '../contract/json.ts';
import type { AgentPause } from '../contract/orders.ts';
import type { Clock, Logger } from '../contract/ports.ts';
import { describePrice, type Price } from '../contract/usage.ts';
import { pricesIn } from '../control/orders/prices.ts';
import { type Follow, ORDERS, readStanding, type Standing } from '../control/orders/protocol.ts';
import type { ControlMailbox } from './control-mailbox.ts';

/** How often it asks, and how often where it is not answered: the keeper may be on its way to another host. */
const [BEAT_MS, REPEAT_MS] = [15_000, 1_000];
/** What was heard counts for a session lock, for so long takes the way to another host, and as much longer. */
const VALID_BEYOND_LOCK_MS = 30_000;
/** In virtual time a process asks once, and is silent for as long as somebody skips. */
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;
/** A task that came before the first word waits for it with its message in hand. */
const HOLD_MS = 1_000;
/** Without a word for so long somebody should look. */
const SILENT_MS = 10_000;

export interface StandingOrders {
  /** Why no task of the agent begins now, as far as was heard; undefined where nobody has paused it. */
  pauseOf(agent: string): AgentPause | undefined;
  /** Whether no task of the agent may begin now: it is paused, or nobody has said for too long that it is not. */
  holds(agent: string): boolean;
  /** Resolves at the first word, or a second later; undefined where there was one. */
  heard(): Promise<void> | undefined;
  /** Resolves when the agent may begin tasks, or by the signal; undefined where it may now. */
  ready(agent: string, signal: AbortSignal): Promise<void> | undefined;
  /** What counts, by model. */
  prices(): Prices;
  close(): void;
}

type Prices = Readonly<Record<string, Price>>;

export interface FollowOptions {
  readonly mailbox: Pick<ControlMailbox, 'listen' | 'tell'>;
  readonly process: string;
  readonly agents: readonly string[];
  /** As it is configured. */
  readonly prices: Prices;
  readonly lockDurationMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function followOrders(options: FollowOptions): StandingOrders {
  const { mailbox, process, agents, prices: configured, lockDurationMs, logger } = options;
  /** Virtual time passes by itself for nobody: what was heard counts until something else is. */
  const isVirtual = options.clock.skips === true;
  const validMs = isVirtual ? Number.POSITIVE_INFINITY : lockDurationMs + VALID_BEYOND_LOCK_MS;
  const own = new Set(agents);
  const first = Promise.withResolvers<void>();
  const waiting = new Set<() => void>();
  /** When what is not answered yet was asked. */
  const asked = new Map<number, number>();
  let standing: Standing | undefined;
  let prices = configured;
  let validUntil = Number.NEGATIVE_INFINITY;
  let seq = 0;
  let unansweredSince: number | undefined;
  let isSilent = false;
  let timer: NodeJS.Timeout | undefined;

  const pauseOf = (agent: string): AgentPause | undefined => pauseIn(standing, agent);
  const holds = (agent: string): boolean => performance.now() >= validUntil || pauseOf(agent) !== undefined;

  const hear = (value: Json): void => {
    const said = readStanding(value);
    if (said === undefined) return;
    if (said.seq !== undefined) answered(said.seq);
    if (standing === undefined || said.revision > standing.revision) {
      const before = standing;
      standing = said;
      say(before, said);
      const known = prices;
      prices = pricesIn(configured, said.prices);
      sayPrices(known, said.revision);
    }
    // Only an answer says that it is of now.
    if (said.seq !== undefined) first.resolve();
    for (const look of waiting) look();
  };
  /** From when it was asked: an order may have been given since, and its word be lost. */
  const answered = (number: number): void => {
    const at = asked.get(number);
    if (at === undefined) return;
    for (const known of asked.keys()) if (known <= number) asked.delete(known);
    validUntil = Math.max(validUntil, at + validMs);
    if (isSilent) logger.info('what is ordered at run time is heard again');
    isSilent = false;
    unansweredSince = undefined;
    beat(BEAT_MS);
  };
  const say = (before: Standing | undefined, now: Standing): void => {
    for (const name of own) {
      const [was, is] = [pauseIn(before, name), pauseIn(now, name)];
      const fields = { agent: name, revision: now.revision };
      if (is !== undefined && (was === undefined || is.reason !== was.reason))
        logger.warn(`agent '${name}' is paused${is.reason === undefined ? '' : `: ${is.reason}`}`, fields);
      if (is === undefined && was !== undefined) logger.info(`agent '${name}' is resumed`, fields);
    }
  };

  const sayPrices = (before: Prices, order: number): void => {
    for (const [model, price] of Object.entries(prices)) {
      if (JSON.stringify(price) === JSON.stringify(before[model])) continue;
      const { revision = 0 } = price;
      logger.info(`model '${model}' costs ${describePrice(price)} now, revision ${revision}`, {
        model,
        revision,
        order,
      });
    }
  };

  const { address, release } = mailbox.listen('orders', hear);
  const follow = (): void => {
    const at = performance.now();
    // An answer to those would say nothing that still counts.
    for (const [number, since] of asked) if (at - since > validMs) asked.delete(number);
    unansweredSince ??= at;
    seq += 1;
    asked.set(seq, at);
    const event: Follow = {
      type: 'follow',
      process,
      from: address,
      seq,
      silenceMs: isVirtual ? FOR_EVER_MS : Math.ceil(lockDurationMs + 2 * VALID_BEYOND_LOCK_MS),
      agents,
      prices: configured,
    };
    mailbox.tell({ kind: 'orders', name: ORDERS }, event as unknown as EventJson).catch((error: unknown) => {
      logger.debug('what is ordered at run time was not asked for', { reason: String(error) });
    });
    if (!isSilent && at - unansweredSince > SILENT_MS) {
      isSilent = true;
      const what = standing === undefined ? 'no task begins' : 'soon no task begins';
      logger.warn(
        `nobody has said for ${SILENT_MS / 1_000} s which agents are paused, and ${what}: does a host with the role actors run whose configuration says atRunTime?`,
      );
    }
    beat(REPEAT_MS);
  };
  const beat = (ms: number): void => {
    clearTimeout(timer);
    // What it asked in virtual time is answered, or its process dies.
    if (!isVirtual) timer = setTimeout(follow, ms).unref();
  };
  follow();

  return {
    pauseOf,
    holds,
    heard: () => {
      if (validUntil > Number.NEGATIVE_INFINITY) return undefined;
      if (isVirtual) return first.promise;
      const { promise, resolve } = Promise.withResolvers<void>();
      const limit = setTimeout(resolve, HOLD_MS).unref();
      void first.promise.then(() => {
        clearTimeout(limit);
        resolve();
      });
      return promise;
    },
    ready: (agent, signal) => {
      if (signal.aborted || !holds(agent)) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (!holds(agent)) leave();
      };
      const leave = (): void => {
        waiting.delete(look);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(look);
      return promise;
    },
    prices: () => prices,
    close: () => {
      clearTimeout(timer);
      release();
    },
  };
}

function pauseIn(standing: Standing | undefined, agent: string): AgentPause | undefined {
  return standing !== undefined && Object.hasOwn(standing.paused, agent) ? standing.paused[agent] : undefined;
}
