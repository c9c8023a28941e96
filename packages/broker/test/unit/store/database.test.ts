import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DATA_FILE, openStore } from '../../../src/store/sqlite.ts';
import { writeFormerFile } from '../../kit/former-broker-file.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const SYNCHRONOUS_FULL = 2;
const SETTINGS = {
  journal_mode: 'wal',
  synchronous: SYNCHRONOUS_FULL,
  cache_size: -8192,
  mmap_size: 0,
  wal_autocheckpoint: 1000,
  journal_size_limit: 16 * 1024 * 1024,
  locking_mode: 'exclusive',
};

test('a commit is on disk when it returns, and log, cache and mapping are bounded', () => {
  const store = openStore({ folder: dataFolder(), maxPages: undefined });
  expect(store.settings()).toEqual({ ...SETTINGS, page_size: 8192 });
  store.close();
});

test('a file from before has the same settings and keeps its page size', () => {
  const folder = dataFolder();
  writeFormerFile(folder);
  const store = openStore({ folder, maxPages: undefined });
  expect(store.settings()).toEqual({ ...SETTINGS, page_size: 4096 });
  store.close();
});

test('the log does not grow with what is written, nor the file when it is drained and filled again', () => {
  const folder = dataFolder();
  const store = openStore({ folder, maxPages: undefined });
  const bytesOf = (file: string) => statSync(join(folder, file)).size;
  let logged = 0;
  const state = Buffer.alloc(100_000, 's');
  const fill = () => {
    for (let turn = 0; turn < 40; turn += 1) {
      store.transaction(() => {
        for (let n = 0; n < 20; n += 1) store.setSessionState(1, `${turn}-${n}`, state, 1);
      });
      logged = Math.max(logged, bytesOf(`${DATA_FILE}-wal`));
    }
  };
  const drain = () => {
    for (let turn = 0; turn < 40; turn += 1) {
      store.transaction(() => {
        for (let n = 0; n < 20; n += 1) store.setSessionState(1, `${turn}-${n}`, undefined, 2);
      });
    }
  };
  fill();
  const full = bytesOf(DATA_FILE);
  expect(full).toBeGreaterThan(60e6);
  expect(logged).toBeLessThan(16 * 1024 * 1024);
  drain();
  fill();
  expect(bytesOf(DATA_FILE)).toBeLessThan(full * 1.1);
  drain();
  store.close();

  // At the next start little is left to copy, so the disk gets it back.
  openStore({ folder, maxPages: undefined }).close();
  expect(bytesOf(DATA_FILE)).toBeLessThan(1e6);
});
