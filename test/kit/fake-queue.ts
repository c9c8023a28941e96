// One actor's session queue and its broker, in memory and deterministic: what a host does to them is a list of steps, and
// the process can die before or after any of them. A step of a dead process never ends.

import { holdSession } from '../../src/actors/host/hold.ts';
import type { ActorHost } from '../../src/actors/host/host.ts';
import type { Json } from '../../src/contract/json.ts';
import type { Disposition, HeldSession } from '../../src/contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../src/contract/wire.ts';
import { inbound } from './inbound.ts';

export type Step =
  | { readonly kind: 'commit'; readonly state: Json }
  | { readonly kind: 'publish'; readonly messages: readonly WireMessage[] }
  | { readonly kind: 'settle'; readonly number: number; readonly disposition: Disposition }
  | { readonly kind: 'fetch'; readonly numbers: readonly number[] }
  | { readonly kind: 'peek' }
  | { readonly kind: 'cancel'; readonly numbers: readonly number[] };

/** What the world does to a step: `lost` = the lock is gone, `refused` = a publish that is not accepted. */
export type Fate = 'done' | 'lost' | 'lost-after' | 'dies-before' | 'dies-after' | Error;

export interface HoldOptions {
  /** How many messages each `take` gives at most, in turn; afterwards all that are there. */
  readonly takes?: readonly number[];
  readonly fate?: (step: Step, at: number) => Fate;
  /** Runs beside the hold before each step is carried out: to hold a step back, or to look at the queue. */
  readonly before?: (step: Step) => Promise<void> | void;
}

const OWN = 'actor.m';
const forever = new Promise<never>(() => {});

export class FakeQueue {
  state: unknown = null;
  /** Everything done, in order, over all holds. */
  readonly steps: Step[] = [];
  /** Accepted by the broker, repeats of an id left out. */
  readonly sent: WireMessage[] = [];
  readonly repeats: WireMessage[] = [];
  readonly settled = new Map<number, Disposition>();
  readonly active = new Map<number, InboundMessage>();
  readonly deferred = new Map<number, InboundMessage>();
  /** Messages with a time of their own, by the number that cancels them; only a test lets that time come. */
  readonly scheduled = new Map<number, WireMessage>();
  /** Whether what the actor sends to itself comes back. */
  loops = false;
  #numbers = 1_000_000;
  /** Of a session state; what the Standard tier takes, if not told otherwise. */
  limit = 256 * 1024;
  #ids = new Set<string>();

  put(...messages: readonly InboundMessage[]): void {
    for (const message of messages) this.active.set(message.sequenceNumber, message);
  }

  /** Kinds of the steps, settlements with their disposition: what order tests compare. */
  log(): string[] {
    return this.steps.map((step) =>
      step.kind === 'settle' ? `${step.disposition.kind} ${step.number}` : step.kind,
    );
  }

  commits(): Json[] {
    return this.steps.flatMap((step) => (step.kind === 'commit' ? [step.state] : []));
  }

  /** One hold by `host`, until it lets go or its process dies. */
  async hold(host: ActorHost, options: HoldOptions = {}): Promise<'released' | 'refused' | 'died'> {
    const death = Promise.withResolvers<'died'>();
    const process = new Process(this, options, () => death.resolve('died'));
    const bridge = {
      ...host.bridge,
      publish: (messages: readonly WireMessage[]) => process.publish(messages),
      cancelScheduled: (_: string, numbers: readonly number[]) => process.cancel(numbers),
    };
    const held = holdSession(process.session(), { ...host, bridge });
    return Promise.race([held.then((outcome) => outcome ?? ('released' as const)), death.promise]);
  }

  /** A repeat gets a number too, under which nothing is scheduled. */
  accept(message: WireMessage): { sequenceNumber?: number } {
    const isRepeat = this.#ids.has(message.messageId);
    this.#ids.add(message.messageId);
    (isRepeat ? this.repeats : this.sent).push(message);
    if (message.notBefore === undefined) {
      const { entity, subject, body, messageId, properties = {} } = message;
      if (this.loops && !isRepeat && entity === OWN)
        this.put(inbound(subject, body, { messageId, properties }));
      return {};
    }
    const sequenceNumber = this.#numbers++;
    if (!isRepeat) this.scheduled.set(sequenceNumber, message);
    return { sequenceNumber };
  }

  settle(number: number, disposition: Disposition): void {
    const message = this.active.get(number) ?? this.deferred.get(number);
    if (message === undefined) throw new Error(`message ${number} is not here to be settled`);
    this.settled.set(number, disposition);
    this.active.delete(number);
    this.deferred.delete(number);
    if (disposition.kind === 'defer')
      this.deferred.set(number, { ...message, deliveryCount: message.deliveryCount + 1 });
  }

  /** As the broker keeps it: a state has gone through JSON. */
  keep(state: Json): void {
    this.state = JSON.parse(JSON.stringify(state));
  }
}

/** One holder's view: once lost, every call says so; once dead, none returns. */
class Process {
  readonly #queue: FakeQueue;
  readonly #options: HoldOptions;
  readonly #die: () => void;
  readonly #given = new Set<number>();
  readonly #takes: number[];
  #at = 0;
  #lost = false;
  #dead = false;

  constructor(queue: FakeQueue, options: HoldOptions, die: () => void) {
    this.#queue = queue;
    this.#options = options;
    this.#die = die;
    this.#takes = [...(options.takes ?? [])];
  }

  session(): HeldSession {
    const queue = this.#queue;
    return {
      entity: OWN,
      sessionId: '1',
      readState: async () => ({ kind: 'state', state: queue.state }),
      take: async ({ max }) => {
        if (this.#dead) return forever;
        if (this.#lost) return { kind: 'lost' };
        const limit = Math.min(max, this.#takes.shift() ?? max);
        const messages = [...queue.active.values()]
          .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
          .filter(({ sequenceNumber }) => !this.#given.has(sequenceNumber))
          .slice(0, limit);
        for (const { sequenceNumber } of messages) this.#given.add(sequenceNumber);
        return messages.length === 0 ? { kind: 'idle' } : { kind: 'messages', messages };
      },
      commit: async (state) => {
        if (!this.#lost && Buffer.byteLength(JSON.stringify(state)) > queue.limit) return 'refused';
        return (await this.#do({ kind: 'commit', state }, () => queue.keep(state))) ? 'committed' : 'lost';
      },
      settle: async ({ sequenceNumber: number }, disposition) =>
        (await this.#do({ kind: 'settle', number, disposition }, () => queue.settle(number, disposition)))
          ? 'settled'
          : 'lost',
      receiveDeferred: async (numbers) => {
        const there = () => numbers.flatMap((number) => queue.deferred.get(number) ?? []);
        return (await this.#do({ kind: 'fetch', numbers }, () => {})) ? there() : [];
      },
      peekScheduled: async () => {
        const there = () =>
          [...queue.scheduled].map(([sequenceNumber, message]) => ({
            ...inbound(message.subject, message.body),
            sequenceNumber,
          }));
        return (await this.#do({ kind: 'peek' }, () => {})) ? there() : [];
      },
    };
  }

  async publish(messages: readonly WireMessage[]): Promise<readonly { sequenceNumber?: number }[]> {
    let accepted: readonly { sequenceNumber?: number }[] = messages.map(() => ({}));
    await this.#do({ kind: 'publish', messages }, () => {
      accepted = messages.map((message) => this.#queue.accept(message));
    });
    return accepted;
  }

  async cancel(numbers: readonly number[]): Promise<readonly number[]> {
    if (numbers.length === 0) return [];
    let missing: readonly number[] = [];
    await this.#do({ kind: 'cancel', numbers }, () => {
      missing = numbers.filter((number) => !this.#queue.scheduled.delete(number));
    });
    return missing;
  }

  async #do(step: Step, carryOut: () => void): Promise<boolean> {
    if (this.#dead) return forever;
    // A lost session does not keep a process from sending.
    if (this.#lost && step.kind !== 'publish' && step.kind !== 'cancel') return false;
    const fate = this.#options.fate?.(step, this.#at++) ?? 'done';
    await this.#options.before?.(step);
    if (this.#dead || fate === 'dies-before') return this.#end();
    if (fate === 'lost') this.#lost = true;
    if (fate instanceof Error) throw fate;
    if (fate !== 'lost') {
      this.#queue.steps.push(step);
      carryOut();
    }
    if (fate === 'dies-after') return this.#end();
    if (fate === 'lost-after') this.#lost = true;
    return !fate.startsWith('lost');
  }

  #end(): Promise<never> {
    this.#dead = true;
    this.#die();
    return forever;
  }
}
