import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Line, type Page } from '../../../src/core/line.ts';
import type { StoredMessage } from '../../../src/core/records.ts';
import { storedMessage } from '../../kit/stored-message.ts';

const ROOM = 5;
const PAGE = 3;

/** A line over a disk: which numbers wait, and which of them are in memory. */
class Model {
  readonly line = new Line<StoredMessage>();
  readonly waiting = new Set<number>();
  readonly inMemory = new Map<number, StoredMessage>();
  readonly held: StoredMessage[] = [];
  reading = true;
  most = 0;

  admit(seq: number): void {
    this.waiting.add(seq);
    if (this.line.keeps(seq, this.inMemory.size < ROOM)) this.ready(storedMessage(seq));
  }

  ready(message: StoredMessage): void {
    message.place = 'ready';
    this.inMemory.set(message.seq, message);
    this.most = Math.max(this.most, this.inMemory.size);
    this.line.add(message);
  }

  first(): StoredMessage | undefined {
    return this.line.first((after) => this.#read(after));
  }

  take(): number | undefined {
    const first = this.first();
    if (!first) return undefined;
    this.line.take();
    first.place = 'held';
    this.inMemory.delete(first.seq);
    this.waiting.delete(first.seq);
    this.held.push(first);
    return first.seq;
  }

  giveBack(): void {
    const message = this.held.splice(Math.floor(this.held.length / 2), 1)[0];
    if (!message) return;
    this.waiting.add(message.seq);
    this.ready(message);
  }

  /** It expires: gone from memory or from disk. */
  drop(at: number): void {
    const seq = [...this.waiting][at % Math.max(this.waiting.size, 1)];
    if (seq === undefined) return;
    this.waiting.delete(seq);
    const message = this.inMemory.get(seq);
    if (message) message.place = 'gone';
    this.inMemory.delete(seq);
  }

  #read(after: number): Page<StoredMessage> | undefined {
    if (!this.reading) return undefined;
    const page = [...this.waiting]
      .filter((seq) => seq > after)
      .sort((a, b) => a - b)
      .slice(0, PAGE);
    const messages = page.map((seq) => storedMessage(seq));
    for (const message of messages) {
      message.place = 'ready';
      this.inMemory.set(message.seq, message);
    }
    return { messages, upTo: page.at(-1) ?? after, more: page.length === PAGE };
  }
}

test('whatever comes, leaves and returns, the lowest waiting number comes first', () => {
  const step = fc.tuple(fc.constantFrom('new', 'new', 'new', 'late', 'take', 'giveBack', 'drop'), fc.nat());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.boolean(), (steps, restored) => {
      const model = new Model();
      let last = 0;
      if (restored) {
        for (let seq = 2; seq < 40; seq += 2) model.waiting.add(seq);
        last = 40;
        model.line.restore(0);
      }
      const given = new Set(model.waiting);
      for (const [what, at] of steps) {
        if (what === 'new') model.admit((last += 2));
        // As a dead letter, which keeps its number.
        const late = (at % (last + 1)) | 1;
        if (what === 'late' && late < last && !given.has(late)) {
          given.add(late);
          model.admit(late);
        }
        if (what === 'giveBack') model.giveBack();
        if (what === 'drop') model.drop(at);
        if (what === 'take') {
          const lowest = model.waiting.size > 0 ? Math.min(...model.waiting) : undefined;
          expect(model.take()).toBe(lowest);
        }
      }
      while (model.waiting.size > 0) {
        const lowest = Math.min(...model.waiting);
        expect(model.take()).toBe(lowest);
      }
      expect(model.take()).toBeUndefined();
    }),
  );
});

test('a line that only grows at its end keeps no more in memory than there is room for', () => {
  const model = new Model();
  for (let seq = 1; seq <= 1000; seq += 1) model.admit(seq);
  expect(model.inMemory.size).toBe(ROOM);
  for (let seq = 1; seq <= 1000; seq += 1) {
    expect(model.take()).toBe(seq);
    expect(model.inMemory.size).toBeLessThanOrEqual(ROOM);
  }
  expect(model.most).toBe(ROOM);
});

test('while disk cannot be read the line waits, and still knows that it does', () => {
  const model = new Model();
  for (let seq = 1; seq <= 10; seq += 1) model.admit(seq);
  for (let seq = 1; seq <= ROOM; seq += 1) model.take();
  model.reading = false;
  expect(model.first()).toBeUndefined();
  expect(model.line.waiting).toBe(true);
  model.reading = true;
  expect(model.take()).toBe(ROOM + 1);
});
