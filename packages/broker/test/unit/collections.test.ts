import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fifo, Heap, WaitingLine } from '../../src/collections.ts';
import { ReadyList } from '../../src/core/line.ts';
import type { StoredMessage } from '../../src/core/records.ts';
import { storedMessage } from '../kit/stored-message.ts';

test('a heap gives its items in order, also after some were taken out of its middle', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer(), fc.boolean())), (items) => {
      const places = new Map<{ key: number }, number>();
      const heap = new Heap<{ key: number }>(
        ({ key }) => key,
        (item, index) => places.set(item, index),
      );
      const pushed = items.map(([key, stays]) => ({ key, stays }));
      for (const item of pushed) heap.push(item);
      for (const item of pushed.filter(({ stays }) => !stays)) {
        // Its key may have changed since it was put there.
        item.key = -item.key;
        expect(heap.removeAt(places.get(item) ?? -1)).toBe(item);
        expect(places.get(item)).toBe(-1);
      }
      expect(heap.removeAt(pushed.length)).toBeUndefined();
      const stayed = pushed.filter(({ stays }) => stays);
      expect(heap.size).toBe(stayed.length);
      const got: number[] = [];
      for (let next = heap.pop(); next !== undefined; next = heap.pop()) got.push(next.key);
      expect(got).toEqual(stayed.map(({ key }) => key).sort((a, b) => a - b));
    }),
  );
});

test('a fifo gives first what came first, over compactions', () => {
  const fifo = new Fifo<number>();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 5000; round += 1) {
    fifo.push(next++);
    fifo.push(next++);
    expect(fifo.shift()).toBe(expected++);
  }
  expect(fifo.size).toBe(5000);
});

test('whatever is taken, given back and dropped, the lowest ready number comes first', () => {
  const step = fc.constantFrom('add', 'take', 'giveBack', 'drop');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const list = new ReadyList<StoredMessage>();
      const ready = new Map<number, StoredMessage>();
      const taken: StoredMessage[] = [];
      let seq = 0;
      for (const what of steps) {
        if (what === 'add') {
          const added = storedMessage(++seq, 'ready');
          ready.set(added.seq, added);
          list.add(added);
        } else if (what === 'take') {
          const got = list.take();
          expect(got?.seq).toBe(ready.size > 0 ? Math.min(...ready.keys()) : undefined);
          if (got) {
            got.place = 'held';
            ready.delete(got.seq);
            taken.push(got);
          }
        } else if (what === 'giveBack') {
          const back = taken.splice(Math.floor(taken.length / 2), 1)[0];
          if (back) {
            back.place = 'ready';
            ready.set(back.seq, back);
            list.add(back);
          }
        } else {
          const [gone] = ready.values();
          if (gone) {
            gone.place = 'gone';
            ready.delete(gone.seq);
          }
        }
      }
    }),
  );
});

test('a waiting line serves in order and keeps hold of few that have left', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 2000 }), (steps) => {
      const waiting = new Set<number>();
      const line = new WaitingLine<number>((item) => waiting.has(item));
      let next = 0;
      for (const step of steps) {
        const [first] = waiting;
        if (step < 2) {
          waiting.add(next);
          line.push(next);
          next += 1;
        } else if (first !== undefined && step === 2) {
          waiting.delete(first);
          line.left();
        } else if (first !== undefined) {
          let served = line.shift();
          while (served !== undefined && !waiting.has(served)) served = line.shift();
          expect(served).toBe(first);
          waiting.delete(first);
        }
        expect(line.size).toBeLessThanOrEqual(waiting.size * 2 + 64);
      }
    }),
  );
});
