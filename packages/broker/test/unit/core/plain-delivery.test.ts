import { expect, test } from 'vitest';
import { Alarms, type Clock } from '../../../src/clock.ts';
import { Core } from '../../../src/core/core.ts';
import type { DeliveryOwner } from '../../../src/core/delivery.ts';
import { limitsOf } from '../../../src/core/limits.ts';
import { PlainDelivery } from '../../../src/core/plain-delivery.ts';
import type { Lock } from '../../../src/core/records.ts';
import { openStore } from '../../../src/store/sqlite.ts';
import { storedMessage } from '../../kit/stored-message.ts';

const LOCK_MS = 5000;

test('thousands of locks that end together end a few at a time, in their order', () => {
  let time = 0;
  let ring: (() => void) | undefined;
  const clock: Clock = {
    now: () => time,
    setTimer(_, fn) {
      ring = fn;
      return () => {
        ring = undefined;
      };
    },
  };
  const core = new Core(
    openStore({ folder: undefined, maxPages: undefined }),
    new Alarms(clock),
    limitsOf('standard'),
    () => {},
  );
  const lost: number[][] = [];
  const owner: DeliveryOwner = {
    lockMs: LOCK_MS,
    disabled: false,
    forwards: false,
    forward: () => {},
    read: () => undefined,
    lockLost: (locks: Lock[]) => {
      lost.push(locks.map((lock) => lock.message.seq));
      for (const lock of locks) delivery.release(lock);
    },
    returned: () => {},
    expire: () => {},
    handOut: () => {},
    removeFor: () => {},
  };
  const delivery = new PlainDelivery(core, owner);
  for (let seq = 1; seq <= 1050; seq += 1) delivery.lock(storedMessage(seq), undefined);
  time = LOCK_MS;
  for (let rings = 0; delivery.lockCount > 0 && rings < 100; rings += 1) {
    ring?.();
    time += 1;
  }
  expect(lost.flat()).toEqual(Array.from({ length: 1050 }, (_, at) => at + 1));
  expect(Math.max(...lost.map(({ length }) => length))).toBeLessThanOrEqual(100);
  core.store.close();
});
