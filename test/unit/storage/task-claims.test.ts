// One law for both stores: of those who want a task one has it, until it drops it or another takes it over.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TaskClaimStore } from '../../../src/contract/payload.ts';
import { createTaskClaimTable } from '../../../src/storage/control-tables.ts';
import { type Database, openDatabase } from '../../../src/storage/database.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';
import { createTaskClaimFiles } from '../../../src/storage/task-claims.ts';

const HOUR = 3_600_000;
const root = mkdtempSync(join(tmpdir(), 'quorate-task-claims-'));
const opened: Database[] = [];
afterAll(() => {
  for (const db of opened) db.close();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
/** Two processes on one store, and a clock that is put forward. */
const STORES: Record<string, () => Promise<(scope: string, now: () => number) => TaskClaimStore>> = {
  files: async () => {
    const storage = createFolderStorage(join(root, `files-${count++}`));
    return (scope, now) => createTaskClaimFiles(storage, scope, now);
  },
  table: async () => {
    const file = join(root, `results-${count++}.db`);
    const dbs = [await openDatabase(file), await openDatabase(file)];
    opened.push(...dbs);
    let nth = 0;
    return (scope) => createTaskClaimTable(dbs[nth++ % 2] as Database, scope);
  },
};

const task = (key: string, execution = 'e1', life = 'l1') => ({ life, execution, key });

describe.each(Object.entries(STORES))('%s', (_name, open) => {
  it('gives a task to one of all who want it', async () => {
    const of = await open();
    const stores = [of('s', () => 0), of('s', () => 0)];
    const owners = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (stores[at % 2] as TaskClaimStore).take(task('k'), `p${at}`)),
    );
    const [owner] = owners;
    expect(owners).toEqual(owners.map(() => owner));
    expect(await stores[1]?.take(task('k'), 'late')).toBe(owner);
    expect(await stores[0]?.ownerOf(task('k'))).toBe(owner);
    expect(await stores[0]?.ownerOf(task('other'))).toBeUndefined();
    expect(await of('other', () => 0).take(task('k'), 'late')).toBe('late');
  });

  it('is free when its owner has dropped it, and not when another has', async () => {
    const store = (await open())('s', () => 0);
    await store.take(task('k'), 'a');
    await store.drop(task('k'), 'b');
    expect(await store.take(task('k'), 'b')).toBe('a');
    await store.drop(task('k'), 'a');
    expect(await store.take(task('k'), 'b')).toBe('b');
  });

  it('is taken over from a process that is named, and from no other', async () => {
    const store = (await open())('s', () => 0);
    await store.take(task('k'), 'a');
    expect(await store.takeOver(task('k'), 'a', 'b')).toBe('b');
    expect(await store.takeOver(task('k'), 'a', 'c')).toBe('b');
  });

  it('says who runs something of an execution, and of a life', async () => {
    const store = (await open())('s', () => 0);
    for (const [key, execution, life, process] of [
      ['k1', 'e1', 'l1', 'a'],
      ['k2', 'e1', 'l1', 'b'],
      ['k3', 'e1', 'l1', 'b'],
      ['k4', 'e2', 'l1', 'c'],
      ['k5', 'e1', 'l10', 'd'],
    ] as const)
      await store.take(task(key, execution, life), process);
    expect((await store.processesOf('l1', 'e1')).toSorted()).toEqual(['a', 'b']);
    expect((await store.processesOf('l1')).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await store.processesOf('l2')).toEqual([]);
  });

  it('knows how long a process lives, and forgets what those left who died long ago', async () => {
    let now = Date.now();
    const of = await open();
    const store = of('s', () => now);
    await store.setAlive('a', now + 5_000);
    expect(await store.aliveUntil('a')).toBe(now + 5_000);
    expect(await store.aliveUntil('b')).toBeUndefined();
    await store.take(task('k'), 'a');
    now += 24 * 31 * HOUR;
    await store.setAlive('b', now);
    await expect.poll(() => store.aliveUntil('a')).toBeUndefined();
    expect(await store.processesOf('l1')).toEqual([]);
  });
});
