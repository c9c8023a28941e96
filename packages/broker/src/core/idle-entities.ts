/** Who is connected to which entity, and auto-delete on idle: an entity goes when nobody has been connected to it for as long as its description says. */
import type { Alarm, Alarms } from '../clock.ts';
import { entityKey, SUBSCRIPTIONS } from './plan.ts';

interface Watched {
  readonly path: string;
  idleMs: number;
  readonly alarm: Alarm;
  /** Links to it, or below it: what happens to its subscriptions happens to a topic. */
  open: number;
}

export class IdleEntities {
  readonly #alarms: Alarms;
  readonly #exists: (name: string) => boolean;
  /** Whether it has messages that are scheduled, which is to be in use. */
  readonly #busy: (path: string) => boolean;
  readonly #remove: (path: string) => void;
  readonly #watched = new Map<string, Watched>();
  /** Links by entity, also of entities that are not watched: they may be later. */
  readonly #open = new Map<string, number>();
  readonly #used = new Map<string, number>();

  constructor(
    alarms: Alarms,
    exists: (name: string) => boolean,
    busy: (path: string) => boolean,
    remove: (path: string) => void,
  ) {
    this.#alarms = alarms;
    this.#exists = exists;
    this.#busy = busy;
    this.#remove = remove;
  }

  /** A change of the description is use, too. */
  configure(path: string, idleMs: number): void {
    const name = entityKey(path);
    const known = this.#watched.get(name);
    if (!Number.isFinite(idleMs)) return this.forget(path);
    const watched = known ?? {
      path,
      idleMs,
      alarm: this.#alarms.create(() => this.#ring(name)),
      open: this.#open.get(name) ?? 0,
    };
    watched.idleMs = idleMs;
    this.#watched.set(name, watched);
    this.#rest(watched);
  }

  forget(path: string): void {
    this.#watched.get(entityKey(path))?.alarm.set(undefined);
    this.#watched.delete(entityKey(path));
    this.#used.delete(entityKey(path));
  }

  /** When somebody was connected to it last, as far as this run of the broker knows. */
  usedAt(path: string): number | undefined {
    const name = entityKey(path);
    return this.#open.has(name) ? this.#alarms.now() : this.#used.get(name);
  }

  opened(address: string): void {
    this.#count(address, 1);
  }

  closed(address: string): void {
    this.#count(address, -1);
  }

  #count(address: string, change: number): void {
    for (const name of owners(address)) {
      if (this.#exists(name)) this.#used.set(name, this.#alarms.now());
      const open = (this.#open.get(name) ?? 0) + change;
      if (open > 0) this.#open.set(name, open);
      else this.#open.delete(name);
      const watched = this.#watched.get(name);
      if (!watched) continue;
      watched.open = open;
      this.#rest(watched);
    }
  }

  /** The time begins when the last link goes. */
  #rest({ alarm, open, idleMs }: Watched): void {
    alarm.set(open > 0 ? undefined : this.#alarms.now() + idleMs);
  }

  #ring(name: string): void {
    const watched = this.#watched.get(name);
    if (!watched || watched.open > 0) return;
    if (this.#busy(watched.path)) this.#rest(watched);
    else this.#remove(watched.path);
  }
}

/** The entity of an address, and the topic of a subscription. */
function owners(address: string): string[] {
  const name = entityKey(address).replace(/\/\$.*$/, '');
  const at = name.indexOf(entityKey(SUBSCRIPTIONS));
  return at < 0 ? [name] : [name, name.slice(0, at)];
}
