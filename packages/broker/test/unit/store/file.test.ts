import { expect, test } from 'vitest';
import { asRunningFault, whatIsFull } from '../../../src/store/file.ts';

const FILE = '/nowhere/broker.db';

test.each([
  ['in memory it is the size that it may have', undefined, 10, 'The broker has reached its size limit'],
  ['without a limit it is the disk', FILE, undefined, `No room is left on the disk of ${FILE}`],
  [
    'with room on the disk it is the limit',
    import.meta.filename,
    10,
    'The broker has reached its size limit',
  ],
])('what is full: %s', (_, file, maxPages, says) => {
  expect(whatIsFull(file, maxPages)).toBe(says);
});

const sqlite = (errcode: number): Error => Object.assign(new Error('as SQLite says it'), { errcode });

test.each([
  ['an error of the disk, of its fsync', 1034, 'BROKER_DISK_FAILED'],
  ['a file that has become read-only', 8, 'BROKER_DATA_UNWRITABLE'],
  ['damage that is found late', 11, 'BROKER_DATA_UNREADABLE'],
  ['a statement of ours that does not fit', 1, undefined],
])('of a store that ran: %s', (_, errcode, code) => {
  expect(asRunningFault(sqlite(errcode), FILE)?.code).toBe(code);
});
