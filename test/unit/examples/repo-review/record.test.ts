import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  readReviewRecord,
  reviewId,
  writeReviewRecord,
} from '../../../../examples/repo-review/client/record.ts';
import { MAX_ACTOR_ID_LENGTH } from '../../../../src/contract/address.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-record-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the record of the last review', () => {
  it('comes back as it was written, and leaves no draft behind', async () => {
    const record = { run: 3, open: { id: 'a-3', input: { runId: 'a-3', folder: '/a', out: '/b' } } };
    await writeReviewRecord(folder, record);
    expect(await readReviewRecord(folder)).toEqual(record);
    expect(await readdir(folder)).toEqual(['last-review.json']);
  });

  it('makes the data folder when there is none, for its owner alone', async () => {
    const inner = join(folder, 'not', 'there');
    await writeReviewRecord(inner, { run: 1 });
    expect(await readReviewRecord(inner)).toEqual({ run: 1 });
    const modes = [inner, join(inner, 'last-review.json')].map(
      async (path) => (await stat(path)).mode & 0o077,
    );
    expect(await Promise.all(modes)).toEqual([0, 0]);
  });

  it.each([
    '',
    '{',
    'null',
    '{"run":-1}',
    '{"run":"1"}',
    '{"run":1,"open":{"id":1}}',
    '{"run":1,"open":null}',
    '{"run":1,"open":{"id":"a","input":{}}}',
  ])('starts anew after %j', async (text) => {
    await writeFile(join(folder, 'last-review.json'), text);
    expect(await readReviewRecord(folder)).toEqual({ run: 0 });
  });
});

describe('reviewId', () => {
  it('differs by folder and by run, and is the same for the same', () => {
    const ids = [reviewId('/a/x', 1), reviewId('/b/x', 1), reviewId('/a/x', 2)];
    expect(new Set(ids).size).toBe(3);
    expect(reviewId('/a/x', 1)).toBe(ids[0]);
  });

  it.each(['/', '/a b/ü?*', `/${'long'.repeat(100)}`])('of %s is a file name and an actor id', (path) => {
    const id = reviewId(path, 1_000_000);
    expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(id.length).toBeLessThanOrEqual(MAX_ACTOR_ID_LENGTH);
  });
});
