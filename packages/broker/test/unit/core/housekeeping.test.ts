import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Committer } from '../../../src/core/committer.ts';
import { Housekeeping } from '../../../src/core/housekeeping.ts';
import { DATA_FILE, openStore } from '../../../src/store/sqlite.ts';
import type { Store } from '../../../src/store/store.ts';
import { writeFormerFile } from '../../kit/former-broker-file.ts';

const MINUTE = 60_000;

function setUp(former = false) {
  const folder = mkdtempSync(join(tmpdir(), 'broker-rest-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (former) writeFormerFile(folder);
  const store = openStore({ folder, maxPages: undefined });
  onTestFinished(() => store.close());
  const committer = new Committer(store, (error) => {
    throw error;
  });
  let now = 0;
  const purge = vi.fn();
  const housekeeping = new Housekeeping({ store, committer, windows: () => [{ purge }] }, () => now);
  const commit = (write: (store: Store) => void) => {
    committer.add({ write, applied: () => {}, refused: () => {} });
    committer.flush();
  };
  /** A thousand sessions with a state each, and none of them any more. */
  const fillAndDrain = () => {
    const state = Buffer.alloc(2_000, 's');
    for (const value of [state, undefined])
      commit((into) => {
        for (let n = 0; n < 1_000; n += 1) into.setSessionState(1, `s${n}`, value, 1);
      });
  };
  return {
    housekeeping,
    purge,
    fillAndDrain,
    pass: (ms: number) => {
      now += ms;
    },
    bytes: () => statSync(join(folder, DATA_FILE)).size,
  };
}

test.each([false, true])('a file at rest is as small as what is in it, also an old one (%s)', (former) => {
  const { housekeeping, purge, fillAndDrain, pass, bytes } = setUp(former);
  // At rest, before anything.
  housekeeping.look();
  housekeeping.look();
  const before = bytes();
  for (let round = 0; round < 3; round += 1) {
    pass(MINUTE);
    fillAndDrain();
    // Something was written since it last looked.
    housekeeping.look();
    housekeeping.look();
    expect(bytes()).toBeLessThanOrEqual(before * 1.2 + 65_536);
  }
  expect(purge).toHaveBeenCalledTimes(8);
});

test('a file that is filled and drained over and over is not copied each time', () => {
  let now = 0;
  const shrink = vi.fn(() => true);
  const committer = { commits: 0, idle: true };
  const housekeeping = new Housekeeping({ store: { shrink }, committer, windows: () => [] }, () => now);
  const write = () => {
    committer.commits += 1;
    for (let look = 0; look < 3; look += 1) housekeeping.look();
    return shrink.mock.calls.length;
  };
  expect(write()).toBe(1);
  now += 10_000;
  expect(write()).toBe(1);
  now += MINUTE;
  expect(write()).toBe(2);
  now += MINUTE;
  committer.idle = false;
  expect(write()).toBe(2);
});
