// Faults that have been asked for: finds those that an operation meets, and carries them out.
import { ServiceError } from '../errors.ts';
import {
  type ConnectionTarget,
  type Fault,
  type FaultPoint,
  type FaultStatus,
  type Faults,
  type LockTarget,
  parseFault,
} from './fault.ts';
import { type Act, type Armed, fits, isSpent, pointOf, Tally } from './match.ts';

interface Held {
  readonly fault: string;
  readonly timer: NodeJS.Timeout | undefined;
  goOn(): void;
}

/** Operations that delays hold back, for a time or until their fault is cleared. */
class Holds {
  readonly #held = new Set<Held>();

  get size(): number {
    return this.#held.size;
  }

  add(fault: string, ms: number | undefined, goOn: () => void): void {
    const timer = ms === undefined ? undefined : setTimeout(() => this.#release(held), ms);
    const held: Held = { fault, timer, goOn };
    this.#held.add(held);
  }

  /** Lets go of what faults hold that are no longer there. */
  releaseWithout(known: (fault: string) => boolean): void {
    for (const held of this.#held) if (!known(held.fault)) this.#release(held);
  }

  /** Nothing of it will continue. */
  drop(): void {
    for (const { timer } of this.#held) clearTimeout(timer);
    this.#held.clear();
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    clearTimeout(held.timer);
    held.goOn();
  }
}

/** The status that `$management` and HTTP replies carry beside an error condition that a fault names. */
const STATUS: Readonly<Record<string, number>> = {
  'amqp:unauthorized-access': 401,
  'amqp:not-found': 404,
  'com.microsoft:message-not-found': 404,
  'com.microsoft:timeout': 408,
  'com.microsoft:entity-already-exists': 409,
  'com.microsoft:message-lock-lost': 410,
  'com.microsoft:session-lock-lost': 410,
  'com.microsoft:session-cannot-be-locked': 410,
  'com.microsoft:entity-disabled': 403,
  'amqp:resource-limit-exceeded': 403,
  'amqp:link:message-size-exceeded': 403,
  'amqp:not-allowed': 400,
  'com.microsoft:argument-error': 400,
  'amqp:not-implemented': 501,
  'com.microsoft:server-busy': 503,
};

function statusOfCondition(condition: string): number {
  return STATUS[condition] ?? 500;
}

/** How faults reach the rest of the broker. */
export interface FaultWorld {
  /** Both say how many there were. */
  drop(of: ConnectionTarget): number;
  loseLocks(of: LockTarget): number;
  stop(why: string, wholeProcess: boolean): void;
}

type Answer<R> = (result: R | ServiceError) => void;
/** Continues with the operation, or with the error that a fault puts in its place. */
type Next = (refusal: ServiceError | undefined) => void;

export class FaultPort implements Faults {
  /** Whether any fault can strike: all that an operation looks at when nothing is set. */
  armed = false;
  world: FaultWorld | undefined;
  /** Second transfers that clients have in hand. */
  readonly copies = new Set<{ readonly open: number }>();
  readonly #tally = new Tally();
  readonly #holds = new Holds();
  #lastId = 0;

  /** How many operations a delay holds. */
  get holding(): number {
    return this.#holds.size;
  }

  async inject(asked: Fault): Promise<string> {
    const fault = parseFault(asked);
    this.#lastId += 1;
    const armed: Armed = {
      id: `fault-${this.#lastId}`,
      fault,
      passed: 0,
      triggered: 0,
      now: actsAtOnce(fault),
    };
    this.#tally.add(armed);
    if (armed.now) this.#tally.count(armed, this.#actAtOnce(fault));
    this.armed = this.#tally.anyArmed;
    return armed.id;
  }

  async clear(id?: string): Promise<void> {
    this.#tally.remove(id === undefined ? this.#tally.all().map((armed) => armed.id) : [id]);
    this.armed = this.#tally.anyArmed;
    this.#holds.releaseWithout((known) => this.#tally.has(known));
  }

  async list(): Promise<FaultStatus[]> {
    return this.#tally.all().map((armed) => {
      const { id, fault, triggered } = armed;
      return { id, fault, triggered, spent: isSpent(armed) };
    });
  }

  triggered(id: string, count = 1): Promise<void> {
    return this.#tally.struck(id, count);
  }

  /** The broker has ended. */
  close(): void {
    this.#holds.drop();
    this.#tally.remove(this.#tally.all().map(({ id }) => id));
    this.armed = false;
  }

  /** One operation, with what strikes at its three points; `work` must answer rather than throw. */
  through<R>(act: Act, work: (answer: Answer<R>) => void, answer: Answer<R>): void {
    this.#strike('arrived', act, (refusal) => {
      if (refusal) return answer(refusal);
      work((result) => {
        if (result instanceof Error) return answer(result);
        this.#strike('committed', act, (late) => {
          answer(late ?? result);
          const last = this.#hit(act, (fault) => pointOf(fault) === 'acknowledged');
          if (last.length > 0)
            void act.client.flushed().then(() => this.#carryOut(last, 'acknowledged', act, () => {}));
        });
      });
    });
  }

  /** Whether this message is to come twice. */
  duplicates(act: Act, after: 'delivery' | 'settlement'): boolean {
    return (
      this.#hit(act, (fault) => fault.kind === 'duplicate' && (fault.after ?? 'delivery') === after).length >
      0
    );
  }

  #strike(point: FaultPoint, act: Act, next: Next): void {
    this.#carryOut(
      this.#hit(act, (fault) => pointOf(fault) === point),
      point,
      act,
      next,
    );
  }

  #hit(act: Act, concerned: (fault: Fault) => boolean): Armed[] {
    if (!this.armed) return [];
    const hit = this.#tally.all().filter((armed) => concerned(armed.fault) && fits(armed, act));
    for (const armed of hit) this.#tally.count(armed, 1);
    this.armed = this.#tally.anyArmed;
    return hit;
  }

  /** Carries faults out in the order in which they were injected; delays hold what comes after all of them. */
  #carryOut(hit: Armed[], point: FaultPoint, act: Act, next: Next): void {
    let refusal: ServiceError | undefined;
    let goOn = () => next(refusal);
    for (const { id, fault } of hit) {
      switch (fault.kind) {
        case 'reject': {
          const why = fault.description ?? `The ${act.operation} was rejected by a fault (${id}).`;
          refusal = new ServiceError(fault.condition, statusOfCondition(fault.condition), why);
          break;
        }
        case 'delay': {
          const then = goOn;
          goOn = () => this.#holds.add(id, fault.ms, then);
          break;
        }
        case 'drop-connection':
          if (fault.of) {
            this.world?.drop(fault.of);
            break;
          }
          act.client.cut();
          // What comes over a broken connection never arrives.
          if (point === 'arrived') return;
          break;
        case 'lose-lock':
          if (fault.of) this.world?.loseLocks(fault.of);
          else if (act.lock) this.world?.loseLocks({ ...act.lock, entity: act.entity });
          break;
        case 'stop': {
          const why = `a fault (${id}) stopped it at a ${act.operation} that was ${point}`;
          return this.world?.stop(why, fault.process ?? false);
        }
        case 'duplicate':
      }
    }
    goOn();
  }

  #actAtOnce(fault: Fault): number {
    if (fault.kind === 'drop-connection') return this.world?.drop(fault.of ?? {}) ?? 0;
    return fault.kind === 'lose-lock' && fault.of ? (this.world?.loseLocks(fault.of) ?? 0) : 0;
  }
}

function actsAtOnce({ kind, on }: Fault): boolean {
  return on === undefined && (kind === 'drop-connection' || kind === 'lose-lock');
}
