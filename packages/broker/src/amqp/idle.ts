/** The service ends links and connections that idle; clients have to open them again. */
import type { Alarm } from '../clock.ts';
import type { Core } from '../core/core.ts';
import { activityOf, type Connection, type Receiver, type Sender } from './rhea.ts';

/** Infinity = never. */
export interface IdleTimes {
  /** Without a transfer or credit. */
  linkMs: number;
  /** Without a link, after there was one. */
  connectionMs: number;
  /** Until the first link. */
  firstLinkMs: number;
}

/** learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot */
export const SERVICE_IDLE_TIMES: IdleTimes = {
  linkMs: 600_000,
  connectionMs: 300_000,
  firstLinkMs: 60_000,
};

/** Looks are a few a time-out, so that the links themselves need not tell of every transfer. */
const LOOKS = 4;

interface Seen {
  activity: number;
  at: number;
}

export class IdleWatch {
  readonly #core: Core;
  readonly #times: IdleTimes;
  readonly #connection: Connection;
  readonly #links: ReadonlyMap<Sender | Receiver, string>;
  readonly #seen = new WeakMap<Sender | Receiver, Seen>();
  readonly #alarm: Alarm;
  readonly #everyMs: number;
  #linklessSince: number;
  #hadLink = false;

  constructor(
    core: Core,
    times: IdleTimes,
    connection: Connection,
    links: ReadonlyMap<Sender | Receiver, string>,
  ) {
    this.#core = core;
    this.#times = times;
    this.#connection = connection;
    this.#links = links;
    this.#linklessSince = core.clientAlarms.now();
    this.#everyMs = Math.min(times.linkMs, times.connectionMs, times.firstLinkMs) / LOOKS;
    this.#alarm = core.clientAlarms.create(() => this.#look());
    this.#next();
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  /** The link named in a request, such as one that renews its session, is in use. */
  used(name: string): void {
    for (const link of this.#links.keys()) if (link.name === name) this.#seen.delete(link);
  }

  #next(): void {
    if (Number.isFinite(this.#everyMs)) this.#alarm.set(this.#core.clientAlarms.now() + this.#everyMs);
  }

  #look(): void {
    const now = this.#core.clientAlarms.now();
    if (this.#links.size > 0) {
      this.#hadLink = true;
      this.#linklessSince = now;
      for (const link of this.#links.keys()) this.#lookAt(link, now);
    } else if (now - this.#linklessSince >= this.#connectionMs) {
      return this.#end();
    }
    this.#next();
  }

  get #connectionMs(): number {
    return this.#hadLink ? this.#times.connectionMs : this.#times.firstLinkMs;
  }

  #lookAt(link: Sender | Receiver, now: number): void {
    const activity = activityOf(link);
    const seen = this.#seen.get(link);
    if (seen?.activity !== activity) {
      this.#seen.set(link, { activity, at: now });
    } else if (now - seen.at >= this.#times.linkMs) {
      this.#seen.delete(link);
      link.close({
        condition: 'amqp:link:detach-forced',
        description: `The link '${link.name}' is force detached. Code: ${link.is_sender() ? 'consumer' : 'publisher'}. Details: AmqpMessage${link.is_sender() ? 'Consumer' : 'Publisher'}.IdleTimerExpired: Idle timeout: ${timeSpan(this.#times.linkMs)}.`,
      });
    }
  }

  #end(): void {
    this.#connection.close({
      condition: 'amqp:connection:forced',
      description: `The connection was inactive for more than the allowed ${this.#connectionMs} milliseconds and is closed by container 'LinkTracker'.`,
    });
  }
}

/** As .NET writes a duration. */
function timeSpan(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
