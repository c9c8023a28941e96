import { expect, test } from 'vitest';
import { type Change, Committer } from '../../../src/core/committer.ts';
import { type Store, StoreFullError } from '../../../src/store/store.ts';

/** Only what a committer uses. */
function store(log: string[]): Store {
  return {
    transaction(work: () => void) {
      log.push('begin');
      work();
      log.push('commit');
    },
    withReserve(work: () => void) {
      log.push('reserve');
      work();
    },
  } as unknown as Store;
}

function change(name: string, log: string[], full = false, frees = false): Change {
  return {
    frees,
    write: () => {
      if (full) throw new StoreFullError('It is full');
      log.push(`write ${name}`);
    },
    applied: () => log.push(`applied ${name}`),
    refused: (error) => log.push(`refused ${name}: ${error.condition}`),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what a turn of the event loop asks for is one transaction, and nobody is told before it', async () => {
  const log: string[] = [];
  const committer = new Committer(store(log), () => {});
  committer.add(change('a', log));
  await Promise.resolve();
  committer.add(change('b', log));
  expect(log).toEqual([]);
  while (!committer.idle) await turn();
  expect(log).toEqual(['begin', 'write a', 'write b', 'commit', 'applied a', 'applied b']);
});

test('turns that bring more share a transaction, for a millisecond at most', async () => {
  const log: string[] = [];
  let now = 0;
  const committer = new Committer(
    store(log),
    () => {},
    () => now,
  );
  const bring = async (names: string[]) => {
    for (const name of names) {
      committer.add(change(name, log));
      await turn();
    }
  };
  await bring(['a', 'b', 'c']);
  expect(log).toEqual([]);
  now = 1;
  await bring(['d', 'e']);
  while (!committer.idle) await turn();
  expect(log.filter((line) => !line.startsWith('write'))).toEqual([
    'begin',
    'commit',
    'applied a',
    'applied b',
    'applied c',
    'applied d',
    'begin',
    'commit',
    'applied e',
  ]);
});

test('on a full store every operation stands for itself, and those that free space have the reserve', () => {
  const log: string[] = [];
  const committer = new Committer(store(log), () => {});
  committer.add(change('fits', log));
  committer.add(change('too much', log, true));
  committer.add(change('frees', log, false, true));
  committer.flush();
  expect(log.filter((line) => !line.includes('write'))).toEqual([
    'begin',
    'begin',
    'commit',
    'applied fits',
    'begin',
    'refused too much: amqp:resource-limit-exceeded',
    'reserve',
    'begin',
    'commit',
    'applied frees',
  ]);
});

test('a store that fails otherwise ends the committer: nothing is acknowledged, nothing more is taken', () => {
  const log: string[] = [];
  const failures: unknown[] = [];
  const committer = new Committer(store(log), (error) => failures.push(error));
  const broken = new Error('disk gone');
  committer.add({
    ...change('a', log),
    write: () => {
      throw broken;
    },
  });
  committer.flush();
  committer.add(change('b', log));
  committer.flush();
  expect(failures).toEqual([broken]);
  expect(log).toEqual(['begin']);
});

test('one that is abandoned writes nothing of what waits, and nobody hears of it', async () => {
  const log: string[] = [];
  const committer = new Committer(store(log), () => {});
  committer.add(change('waits', log));
  expect(committer.idle).toBe(false);
  committer.abandon();
  committer.add(change('too late', log));
  await new Promise((resolve) => setImmediate(resolve));
  committer.flush();
  expect(log).toEqual([]);
  expect(committer.idle).toBe(true);
});
