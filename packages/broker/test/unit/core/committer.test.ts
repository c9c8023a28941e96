import { expect, test } from 'vitest';
import { atomically, type Change, Committer, type Operation } from '../../../src/core/committer.ts';
import { serviceErrors } from '../../../src/errors.ts';
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

//

// docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transactions-v1.0-os.html: all of the work of a transaction or none of it

const PLAIN_STORE = { transaction: (work: () => void) => work() } as unknown as Store;

/** Commits something; with `full` the store has no room for it. */
function writing(committer: Committer, name: string, log: string[], full = false): Operation {
  return (ack) =>
    committer.add({
      write: () => {
        if (full) throw new StoreFullError('It is full');
        log.push(`write ${name}`);
      },
      applied: () => {
        log.push(`applied ${name}`);
        ack();
      },
      refused: (error) => {
        log.push(`refused ${name}`);
        ack(error);
      },
    });
}

function outcome(committer: Committer, operations: Operation[]): Promise<string> {
  return new Promise((resolve) =>
    atomically(committer, operations, (error) => resolve(error?.condition ?? 'done')),
  );
}

test('several operations are written as one, and are done together', async () => {
  const log: string[] = [];
  const committer = new Committer(PLAIN_STORE, () => {});
  const operations = ['a', 'b'].map((name) => writing(committer, name, log));
  expect(await outcome(committer, operations)).toBe('done');
  expect(log).toEqual(['write a', 'write b', 'applied a', 'applied b']);
  expect([committer.commits, await outcome(committer, [])]).toEqual([1, 'done']);
});

test('one that is refused before the commit undoes the others, which write nothing', async () => {
  const log: string[] = [];
  const committer = new Committer(PLAIN_STORE, () => {});
  const refused: Operation = (ack) => ack(serviceErrors.messageLockLost());
  const operations = [writing(committer, 'a', log), refused, writing(committer, 'b', log)];
  expect(await outcome(committer, operations)).toBe('com.microsoft:message-lock-lost');
  expect(log).toEqual(['refused a', 'refused b']);
});

test('a store that is full for one is full for all', async () => {
  const log: string[] = [];
  const committer = new Committer(PLAIN_STORE, () => {});
  const operations = [writing(committer, 'a', log), writing(committer, 'b', log, true)];
  expect(await outcome(committer, operations)).toBe('amqp:resource-limit-exceeded');
  expect(log.filter((line) => !line.startsWith('write'))).toEqual(['refused a', 'refused b']);
});
