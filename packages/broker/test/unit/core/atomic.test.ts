import { expect, test } from 'vitest';
import { atomically, type Operation } from '../../../src/core/atomic.ts';
import { Committer } from '../../../src/core/committer.ts';
import { serviceErrors } from '../../../src/errors.ts';
import { type Store, StoreFullError } from '../../../src/store/store.ts';

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
