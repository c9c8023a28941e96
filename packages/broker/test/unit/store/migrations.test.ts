import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { DATA_FILE, openStore } from '../../../src/store/sqlite.ts';
import { FORMER, writeFormerFile } from '../../kit/former-broker-file.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const open = (folder: string) => openStore({ folder, maxPages: undefined });

/** What SQLite itself finds, by its own connection. */
function queried(folder: string, sql: string): unknown[][] {
  const db = new DatabaseSync(join(folder, DATA_FILE));
  try {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all() as unknown as unknown[][];
  } finally {
    db.close();
  }
}

function expectAllKept(folder: string, waiting: number, now: number): void {
  const store = open(folder);
  try {
    expect(store.entities().map(({ id, kind, ceiling }) => [id, kind, ceiling])).toEqual([
      [1, 'queue', waiting + 1001],
      [2, 'dead-letter', 1],
      [3, 'dead-letter', 1],
      [4, 'queue', 1001],
      [5, 'dead-letter', 1],
      [6, 'topic', 1001],
      [7, 'subscription', 1001],
      [8, 'dead-letter', 1],
      [9, 'dead-letter', 1],
      [10, 'subscription', 1001],
      [11, 'dead-letter', 1],
      [12, 'dead-letter', 1],
      [13, 'dead-letter', 1],
    ]);
    const some = store.entities().find(({ id }) => id === FORMER.some);
    expect(JSON.parse(some?.description ?? '').rules).toMatchObject([{ name: 'red' }]);
    expect(store.entities().at(-1)?.path).toBe('actors/$Transfer/$DeadLetterQueue');
    expect(store.tally(FORMER.inbox)).toMatchObject({ active: waiting + 1, deferred: 1, scheduled: 1 });
    const inbox = [...store.messagesFrom(FORMER.inbox, 0, undefined, waiting + 10)];
    expect(inbox.map(({ seq }) => seq)).toEqual([
      2,
      3,
      4,
      ...Array.from({ length: waiting }, (_, at) => at + 10),
    ]);
    const sizeOf = (kept: typeof inbox) => kept.reduce((bytes, { size }) => bytes + size, 0);
    expect(store.tally(FORMER.inbox)).toMatchObject({
      bytes: sizeOf(inbox.filter(({ state }) => state !== 2)),
      scheduledBytes: sizeOf(inbox.filter(({ state }) => state === 2)),
    });
    expect(store.tally(FORMER.inbox).scheduledBytes).toBeGreaterThan(0);
    for (const { seq, bytes } of inbox.slice(3)) expect(bytes.toString()).toContain(`waiting ${seq}`);
    expect(inbox.slice(0, 3)).toMatchObject([
      { state: 0, expiresAt: now + 60_000, enqueuedAt: now, hops: 0 },
      { state: 1, deliveryCount: 2 },
      { state: 2, dueAt: now + 120_000 },
    ]);
    expect(store.message(2, 1)).toMatchObject({ source: 'inbox', deliveryCount: 10 });
    expect(store.nextExpiry(FORMER.inbox, 0)).toBe(now + 60_000);
    expect(store.nextDue(FORMER.actors, 0)).toBe(now + 120_000);
    expect(store.tally(FORMER.actors)).toMatchObject({ active: 2, scheduled: 1, stateBytes: 20_010 });
    expect(store.sessions(FORMER.actors, undefined, 0, 10)).toEqual(['a', 'idle']);
    const ofSession = [...store.activeAfter(FORMER.actors, 0, 'a', 10)];
    expect(ofSession.map(({ seq, deliveryCount }) => [seq, deliveryCount])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    expect(store.sessionState(FORMER.actors, 'a')?.toString()).toBe('{"turn":7}');
    expect(store.sessionState(FORMER.actors, 'idle')).toHaveLength(20_000);
    expect([...store.duplicates(FORMER.inbox, 0)]).toEqual([{ seenAt: now * 1000, id: 'seen' }]);
    expect(store.message(FORMER.all, 1)?.bytes).toEqual(store.message(FORMER.some, 1)?.bytes);
    expect(store.message(FORMER.all, 1)).toMatchObject({ origin: 5, shared: store.lastBody() });
  } finally {
    store.close();
  }
}

test('a file of the first format is led to the present one with everything in it', () => {
  const folder = dataFolder();
  const now = Date.now();
  writeFormerFile(folder, now);
  expectAllKept(folder, 10, now);
  expect(queried(folder, 'PRAGMA user_version')).toEqual([[3]]);
  // The body that nobody held any more is gone; the next open finds nothing left to do.
  expect(queried(folder, 'SELECT count(*) FROM body')).toEqual([[1]]);
  expectAllKept(folder, 10, now);
});

test('what comes out of a migration has the very schema of a new file', () => {
  const [former, fresh] = [dataFolder(), dataFolder()];
  writeFormerFile(former);
  open(former).close();
  open(fresh).close();
  const schema = 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name';
  expect(queried(former, schema)).toEqual(queried(fresh, schema));
});

test('a file of a newer format is refused by name and left byte for byte', () => {
  const folder = dataFolder();
  open(folder).close();
  const db = new DatabaseSync(join(folder, DATA_FILE));
  db.exec('PRAGMA journal_mode = DELETE; PRAGMA user_version = 99');
  db.close();
  const before = readFileSync(join(folder, DATA_FILE));
  expect(() => open(folder)).toThrowError(
    expect.objectContaining({
      code: 'BROKER_DATA_UNREADABLE',
      message: expect.stringContaining('its format 99 is newer than 3'),
    }),
  );
  expect(readFileSync(join(folder, DATA_FILE)).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual([DATA_FILE]);
});

/** Opens the store and kills itself before its so-manieth statement; says so if it got through. */
const OPENER = `
  const { DatabaseSync } = await import('node:sqlite');
  const { openStore } = await import(${JSON.stringify(new URL('../../../src/store/sqlite.ts', import.meta.url).href)});
  const [, folder, last] = process.argv;
  const { exec } = DatabaseSync.prototype;
  let statements = 0;
  DatabaseSync.prototype.exec = function (sql) {
    statements += 1;
    if (statements > Number(last)) process.kill(process.pid, 'SIGKILL');
    return exec.call(this, sql);
  };
  openStore({ folder, maxPages: undefined });
  console.log('through');`;

async function openedUntil(folder: string, statement: number): Promise<'killed' | 'through'> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', OPENER, folder, String(statement)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal === 'SIGKILL' ? 'killed' : 'through';
}

test('whenever a migration is killed, the file is the old one or the new one', {
  timeout: 300_000,
}, async () => {
  // Enough for SQLite to write to the file before the transaction ends.
  const waiting = 12_000;
  const former = dataFolder();
  const now = Date.now();
  writeFormerFile(former, now, waiting);
  const formats: unknown[] = [];
  const size = statSync(join(former, DATA_FILE)).size;
  let grown = 0;
  for (let statement = 2; ; statement += 1) {
    const folder = dataFolder();
    copyFileSync(join(former, DATA_FILE), join(folder, DATA_FILE));
    const end = await openedUntil(folder, statement);
    if (existsSync(join(folder, `${DATA_FILE}-journal`)))
      grown = Math.max(grown, statSync(join(folder, DATA_FILE)).size);
    formats.push(queried(folder, 'PRAGMA user_version')[0]?.[0]);
    expectAllKept(folder, waiting, now);
    rmSync(folder, { recursive: true });
    if (end === 'through') break;
  }
  expect(grown).toBeGreaterThan(size);
  // Old for long, then new for ever: both have been seen, and nothing between them.
  expect(formats).toEqual([...formats].sort((a, b) => Number(a) - Number(b)));
  expect(formats.filter((format) => format === 1).length).toBeGreaterThan(10);
  expect(formats.at(-1)).toBe(3);
});
