import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLetterIndex, createRemediation } from '../../../../src/actors/agents/remediation.ts';
import type { DeferredStore, Disposition } from '../../../../src/contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryPayloads } from '../../../kit/memory-storage.ts';

const RETENTION_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 10_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The queue as several processes see it; a message is there from when it is put, and set aside when its pump says so. */
class Queue {
  readonly there = new Map<number, InboundMessage>();
  readonly aside = new Set<number>();
  readonly published: WireMessage[] = [];
  looks = 0;
  readonly deferredStore: DeferredStore = {
    browse: async ({ from, max }) => {
      this.looks += 1;
      return [...this.there.values()].filter(({ sequenceNumber }) => sequenceNumber >= from).slice(0, max);
    },
    take: async (number, onMessage) => {
      const message = this.there.get(number);
      if (message === undefined || !this.aside.has(number)) return 'gone';
      this.settle(message, await onMessage(message));
      return 'taken';
    },
  };

  put(message: InboundMessage): InboundMessage {
    this.there.set(message.sequenceNumber, message);
    return message;
  }

  settle(message: InboundMessage, disposition: Disposition): void {
    const { sequenceNumber: number, properties } = message;
    if (disposition.kind === 'defer') {
      this.aside.add(number);
      const marked = disposition.handled === true ? { 'quorate-handled': true } : {};
      this.there.set(number, { ...message, properties: { ...properties, ...marked } });
    } else this.there.delete(number);
  }

  isHandled(number: number): boolean {
    return this.there.get(number)?.properties['quorate-handled'] === true;
  }
}

function process(queue: Queue) {
  const lines: string[] = [];
  const letters: string[] = [];
  const said: unknown[] = [];
  const say = (level: string) => (message: string, fields?: object) => {
    lines.push(`${level} ${message}`);
    said.push(fields);
  };
  const remediation = createRemediation({
    bridge: {
      publish: async (messages) => {
        queue.published.push(...messages);
        return messages.map(() => ({}));
      },
      deferredStore: () => queue.deferredStore,
    },
    payloads: memoryPayloads(),
    logger: { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') },
    clock: { now: Date.now },
    onDeadLetter: (entity, code) => {
      letters.push(`${entity} ${code}`);
    },
    retentionMs: RETENTION_MS,
  });
  const deliver = async (message: InboundMessage): Promise<void> => {
    const answered = remediation.onMessage(message);
    await vi.advanceTimersByTimeAsync(10);
    queue.settle(message, await answered);
  };
  return { deliver, lines, said, letters, remediation };
}

const copy = (id: string, properties: Record<string, string | boolean> = { 'quorate-asked': true }) =>
  inbound('task', null, {
    messageId: id,
    enqueuedAt: Date.now(),
    properties: { 'quorate-dead-from': 'agent.a', 'quorate-dead-code': 'E1', ...properties },
  });
const mark = (...marks: [letter: string, handled: boolean][]) =>
  inbound('mark', { kind: 'mark', marks: marks.map(([letter, handled]) => ({ letter, handled })) });
const sweeps = ({ published }: Queue) => published.filter(({ subject }) => subject === 'sweep');

describe('a letter that an actor was told of', () => {
  it('is no warning when its actor has handled it; unhandled it is one at once', async () => {
    const queue = new Queue();
    const { deliver, lines, letters } = process(queue);
    const [good, bad] = [queue.put(copy('good')), queue.put(copy('bad'))];
    await deliver(good);
    await deliver(bad);
    expect(lines).toEqual([]);
    await deliver(queue.put(mark(['good', true], ['bad', false])));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['info', 'warn']);
    expect([queue.isHandled(good.sequenceNumber), queue.isHandled(bad.sequenceNumber)]).toEqual([
      true,
      false,
    ]);
    expect(letters).toEqual(['agent.a E1']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lines).toHaveLength(2);
  });

  it('is said with its actor, what its agent said, and the number by which it is shown', async () => {
    const queue = new Queue();
    const { deliver, lines, said } = process(queue);
    const description = JSON.stringify({ code: 'E1', message: 'no such model', data: { attempts: 3 } });
    const asked = { replyTo: 'actor.review', replyToSessionId: 'r1' };
    const failed = queue.put({ ...copy('failed', { 'quorate-dead-description': description }), ...asked });
    await deliver(failed);
    expect(lines).toEqual(['warn dead letter in agent.a: no such model']);
    expect(said).toEqual([{ code: 'E1', number: failed.sequenceNumber, actor: 'review/r1' }]);
  });

  it('is a warning when no mark has come in five seconds, or when its process ends before', async () => {
    const queue = new Queue();
    const { deliver, lines, letters, remediation } = process(queue);
    await deliver(queue.put(copy('silent')));
    await vi.advanceTimersByTimeAsync(4_900);
    expect(lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(lines).toHaveLength(1);
    await deliver(queue.put(copy('cut short')));
    remediation.flush();
    expect(lines).toEqual([expect.stringMatching(/^warn/), expect.stringMatching(/^warn/)]);
    expect(letters).toEqual(['agent.a E1', 'agent.a E1']);
  });

  it('is marked by whichever process gets the mark, also before the copy is set aside', async () => {
    const queue = new Queue();
    const [one, other] = [process(queue), process(queue)];
    for (let n = 0; n < 450; n++) queue.put(copy(`older ${n}`));
    const letter = queue.put(copy('letter'));
    const marking = other.remediation.onMessage(queue.put(mark(['letter', true])));
    await vi.advanceTimersByTimeAsync(100);
    expect(queue.isHandled(letter.sequenceNumber)).toBe(false);
    await one.deliver(letter);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await marking).toEqual({ kind: 'complete' });
    expect(queue.isHandled(letter.sequenceNumber)).toBe(true);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(one.lines).toEqual([expect.stringMatching(/^info/)]);
    expect(one.letters).toEqual([]);
  });

  it('comes again later when its copy is in hand elsewhere for longer; a mark of nothing is done with', async () => {
    const queue = new Queue();
    const { deliver, remediation } = process(queue);
    queue.put(copy('held elsewhere'));
    const marking = expect(remediation.onMessage(queue.put(mark(['held elsewhere', true])))).rejects.toThrow(
      'not set aside',
    );
    await vi.advanceTimersByTimeAsync(5_000);
    await marking;
    const nothing = queue.put(mark(['redriven long ago', true]));
    await deliver(nothing);
    expect(queue.there.has(nothing.sequenceNumber)).toBe(false);
  });
});

it('handled letters are removed when their retention time is over, by one sweep for many; the others stay', async () => {
  const queue = new Queue();
  const { deliver, lines } = process(queue);
  const letters = ['a', 'b', 'c'].map((id) => queue.put(copy(id)));
  const fromActor = queue.put(copy('to nobody', { 'quorate-handled': true }));
  for (const letter of [...letters, fromActor]) await deliver(letter);
  await deliver(queue.put(mark(['a', true], ['b', true], ['c', false])));
  expect(sweeps(queue)).toHaveLength(1);
  const [due = 0] = sweeps(queue).map(({ notBefore }) => notBefore);
  expect(due).toBeGreaterThan(Date.now() + RETENTION_MS - 1);
  const sweep = () => deliver(queue.put(inbound('sweep', { kind: 'sweep' })));
  await sweep();
  expect(queue.there.size).toBe(4);
  vi.setSystemTime(due);
  const young = queue.put(copy('young', { 'quorate-handled': true }));
  await deliver(young);
  expect(sweeps(queue)).toHaveLength(2);
  await sweep();
  expect([...queue.there.values()].map(({ messageId }) => messageId)).toEqual(['c', 'young']);
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
});

it('a letter is found from its mark in a look or two, however many lie before it', async () => {
  const queue = new Queue();
  const letters = Array.from({ length: 5_000 }, (_, n) => queue.put(copy(`l${n}`)));
  const index = createLetterIndex(() => queue.deferredStore);
  const behind = (letters.at(-1)?.sequenceNumber ?? 0) + 1;
  expect(await index.locate(['l4990'], behind)).toEqual([letters[4_990]?.sequenceNumber]);
  expect(queue.looks).toBeLessThanOrEqual(2);
  expect(await index.locate(['l3'], behind)).toEqual([letters[3]?.sequenceNumber]);
  expect(await index.locate(['never was'], behind)).toEqual([]);
  index.put('known', 7);
  queue.looks = 0;
  expect(await index.locate(['known'], behind)).toEqual([7]);
  expect(queue.looks).toBe(0);
});
