import { expect, it } from 'vitest';
import { remedy } from '../../../src/client/remedy.ts';
import type { Remedied, RemedyOptions } from '../../../src/contract/dead-letters.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { DeferredStore } from '../../../src/contract/ports.ts';
import { type InboundMessage, PROPERTY, type WireMessage } from '../../../src/contract/wire.ts';
import { inbound } from '../../kit/inbound.ts';
import { memoryPayloads } from '../../kit/memory-storage.ts';

const letter = (number: number, entity = 'actor.m', session = 'a'): InboundMessage =>
  inbound(
    'event',
    { kind: 'event', event: { type: 'e', number } },
    {
      sequenceNumber: number,
      properties: { [PROPERTY.deadFrom]: entity, [PROPERTY.deadSession]: session },
    },
  );

/** The remediation queue and a broker that knows ids. */
class Desk {
  readonly there = new Map<number, InboundMessage>();
  /** Of events that the broker took in, in order. */
  readonly arrived: number[] = [];
  /** Messages of each send. */
  readonly sends: number[] = [];
  readonly audits: (string | number)[][] = [];
  readonly #ids = new Set<string>();
  inHand = 0;
  mostInHand = 0;
  /** Numbers that another process has in hand. */
  readonly elsewhere = new Set<number>();
  /** Numbers that cannot be taken, or not be removed, as long as they are here. */
  readonly broken = new Set<number>();
  readonly stuck = new Set<number>();

  constructor(count: number) {
    for (let number = 1; number <= count; number++) this.there.set(number, letter(number));
  }

  readonly store: DeferredStore = {
    browse: async ({ from, max }) =>
      [...this.there.values()].filter((one) => one.sequenceNumber >= from).slice(0, max),
    take: async (number, onMessage) => {
      await Promise.resolve();
      if (this.broken.has(number)) throw new QuorateError('CONNECTION_FAILED', 'cut');
      const message = this.there.get(number);
      if (message === undefined || this.elsewhere.has(number)) return 'gone';
      this.mostInHand = Math.max(this.mostInHand, ++this.inHand);
      try {
        const { kind } = await onMessage(message);
        if (this.stuck.has(number)) throw new QuorateError('CONNECTION_FAILED', 'cut');
        if (kind === 'complete') this.there.delete(number);
        return 'taken';
      } finally {
        this.inHand -= 1;
      }
    },
  };

  readonly publish = async (messages: readonly WireMessage[]) => {
    if (messages[0]?.subject === 'audit') {
      const told = messages[0].body as { what: string; letters: number[] };
      // A process that dies between the two has told more than was done, and never less.
      expect(told.letters.filter((number) => !this.there.has(number))).toEqual([]);
      this.audits.push([told.what, ...told.letters]);
      return [{}];
    }
    this.sends.push(messages.length);
    for (const { messageId, body, entity } of messages) {
      if (entity === 'actor.gone') throw new QuorateError('TOPOLOGY_MISMATCH', 'no queue actor.gone');
      if (this.#ids.has(messageId)) continue;
      this.#ids.add(messageId);
      this.arrived.push((body as { event: { number: number } }).event.number);
    }
    return messages.map(() => ({}));
  };

  async run(
    numbers: readonly number[],
    options: RemedyOptions = {},
    verb: 'redrive' | 'discard' = 'redrive',
  ) {
    const { store, publish } = this;
    const host = { store, bridge: { publish }, payloads: memoryPayloads(), clock: { now: () => 0 } };
    const given: Remedied[] = [];
    try {
      for await (const each of remedy(host, verb, numbers, options)) given.push(each);
    } catch (error) {
      return { given, error };
    }
    return { given };
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

it('sends letters again in order, a window in one send, and has no more in hand than a window', async () => {
  const desk = new Desk(100);
  const { given, error } = await desk.run(upTo(101));
  expect(error).toBeUndefined();
  expect(desk.arrived).toEqual(upTo(100));
  expect(desk.sends).toEqual([32, 32, 32, 4]);
  expect(desk.mostInHand).toBe(32);
  expect(desk.audits.map(([what, ...numbers]) => [what, numbers.length])).toEqual(
    desk.sends.map((count) => ['redriven', count]),
  );
  expect(desk.there.size).toBe(0);
  expect(given.map(({ number }) => number)).toEqual(upTo(101));
  expect(given.at(-1)).toEqual({ number: 101, outcome: 'gone' });
});

it('takes a number that is chosen twice once', async () => {
  const desk = new Desk(2);
  expect((await desk.run([1, 1, 2])).given.map(({ outcome }) => outcome)).toEqual([
    'redriven',
    'gone',
    'redriven',
  ]);
  expect(desk.arrived).toEqual([1, 2]);
});

it('refuses only what the broker refuses: each of the others arrives once, in order', async () => {
  const desk = new Desk(5);
  desk.there.set(3, letter(3, 'actor.gone'));
  const { given } = await desk.run(upTo(5));
  expect(given.map(({ outcome }) => outcome)).toEqual([
    'redriven',
    'redriven',
    'refused',
    'redriven',
    'redriven',
  ]);
  expect(desk.arrived).toEqual([1, 2, 4, 5]);
  expect([...desk.there.keys()]).toEqual([3]);
  expect(desk.audits).toEqual([['redriven', 1, 2, 4, 5]]);
});

it('sends nothing that would overtake a letter which cannot be taken, and tells what was done before it fails', async () => {
  const desk = new Desk(40);
  desk.broken.add(35);
  const { given, error } = await desk.run(upTo(40));
  expect(error).toMatchObject({ code: 'CONNECTION_FAILED' });
  expect(given.map(({ number }) => number)).toEqual(upTo(34));
  expect(desk.arrived).toEqual(upTo(34));
  desk.broken.clear();
  await desk.run(upTo(40));
  expect(desk.arrived).toEqual(upTo(40));
  expect(desk.there.size).toBe(0);
});

it('leaves what another process has in hand, and of its actor what comes behind it, in this window and in others', async () => {
  const desk = new Desk(100);
  for (const number of [2, 4, 6, 98]) desk.there.set(number, letter(number, 'actor.m', 'b'));
  desk.elsewhere.add(3);
  const { given } = await desk.run([...upTo(100), 101]);
  expect(desk.arrived).toEqual([1, 2, 4, 6, 98]);
  const behind = { outcome: 'held', why: 'letter 3 of its actor comes before it' };
  expect(given.slice(2, 5)).toMatchObject([
    { number: 3, outcome: 'held', why: expect.stringContaining('in hand') },
    { number: 4, outcome: 'redriven' },
    { number: 5, ...behind },
  ]);
  expect(given.slice(98)).toMatchObject([
    { number: 99, ...behind },
    { number: 100, ...behind },
    { number: 101, outcome: 'gone' },
  ]);
  desk.elsewhere.clear();
  await desk.run(upTo(100));
  const ofA = upTo(100).filter((number) => ![2, 4, 6, 98].includes(number));
  expect(desk.arrived.filter((number) => ![2, 4, 6, 98].includes(number))).toEqual(ofA);
  // All of a window.
  const whole = new Desk(40);
  for (const number of upTo(32)) whole.elsewhere.add(number);
  expect((await whole.run(upTo(40))).given.map(({ outcome }) => outcome)).toEqual(upTo(40).map(() => 'held'));
  expect(whole.arrived).toEqual([]);
  // Nothing has to go first where nothing is sent.
  const other = new Desk(3);
  other.elsewhere.add(1);
  expect((await other.run(upTo(3), {}, 'discard')).given.map(({ outcome }) => outcome)).toEqual([
    'held',
    'discarded',
    'discarded',
  ]);
});

it('of a letter that was sent and could not be removed says nothing; again it is sent under the same id', async () => {
  const desk = new Desk(3);
  desk.stuck.add(2);
  const { given, error } = await desk.run(upTo(3));
  expect(error).toMatchObject({ code: 'CONNECTION_FAILED' });
  expect(given.map(({ number }) => number)).toEqual([1, 3]);
  desk.stuck.clear();
  expect((await desk.run([2])).given).toEqual([{ number: 2, outcome: 'redriven' }]);
  expect(desk.arrived).toEqual([1, 2, 3]);
});

it('ends between two windows, and the next run continues there', async () => {
  const desk = new Desk(100);
  const stop = new AbortController();
  const { publish } = desk;
  const stopping = Object.assign(desk, {
    publish: async (messages: readonly WireMessage[]) => {
      if (desk.audits.length === 1) stop.abort();
      return publish(messages);
    },
  });
  const { given, error } = await stopping.run(upTo(100), { signal: stop.signal });
  expect(error).toMatchObject({ code: 'ABORTED' });
  expect(given.map(({ number }) => number)).toEqual(upTo(64));
  expect(desk.there.size).toBe(36);
  await desk.run(upTo(100));
  expect(desk.arrived).toEqual(upTo(100));
});

it('takes as many at once as a tenth of a second has at the rate', async () => {
  for (const [rate, sends] of [
    [5, [1, 1]],
    [50, [5, 5]],
    [10_000, [32, 8]],
  ] as const) {
    const desk = new Desk(sends.reduce((sum, one) => sum + one, 0));
    await desk.run([...desk.there.keys()], { rate });
    expect(desk.sends).toEqual(sends);
  }
  expect((await new Desk(1).run([1], { rate: 0 })).error).toMatchObject({ code: 'INPUT_INVALID' });
});

it('discards without a send', async () => {
  const desk = new Desk(40);
  expect((await desk.run(upTo(40), {}, 'discard')).given).toHaveLength(40);
  expect(desk.there.size).toBe(0);
  expect(desk.sends).toEqual([]);
  expect(desk.audits).toEqual([
    ['discarded', ...upTo(32)],
    ['discarded', ...upTo(40).slice(32)],
  ]);
});
