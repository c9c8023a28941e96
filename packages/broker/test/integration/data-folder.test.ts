// The files beside the data file: what stands in their way is named, the start ends, and nothing is left open by it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openControlSide } from '../../src/control/control-side.ts';
import { createBroker, startBroker } from '../../src/index.ts';

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-folder-'));
});
afterEach(() => rm(data, { recursive: true, force: true }));

const folder = (name: string) => (): void => void mkdirSync(join(data, name), { recursive: true });
const text = (name: string) => (): void => writeFileSync(join(data, name), '');
const RECORD = 'broker.json';
/** Where a file is written before it gets its name. */
const draftOf = (name: string): string => `${name}.${process.pid}`;

const OBSTACLES: readonly [string, () => void, string, string, { tls?: true }][] = [
  ['a folder for the record', folder(RECORD), RECORD, 'BROKER_DATA_UNWRITABLE', {}],
  ['a folder for its draft', folder(draftOf(RECORD)), RECORD, 'BROKER_DATA_UNWRITABLE', {}],
  ['a folder for the key', folder('key'), 'key', 'BROKER_DATA_UNREADABLE', {}],
  ['a folder for its draft', folder(draftOf('key')), 'key', 'BROKER_DATA_UNWRITABLE', {}],
  ['a file for the certificates', text('tls'), 'tls', 'BROKER_DATA_UNWRITABLE', { tls: true }],
  ['a folder for a certificate', folder('tls/ca.pem'), 'ca.pem', 'BROKER_DATA_UNWRITABLE', { tls: true }],
  ['a folder for the data', folder('broker.db'), 'broker.db', 'BROKER_DATA_UNREADABLE', {}],
  ['a folder for its log', folder('broker.db-wal'), 'broker.db', 'BROKER_DATA_UNREADABLE', {}],
];

describe.each([
  ['in this thread', createBroker],
  ['in a thread of its own', startBroker],
])('a broker %s', (where, start) => {
  const obstacles = where === 'in this thread' ? OBSTACLES : OBSTACLES.slice(0, 1);
  it.each(obstacles)('is refused by %s', async (_, obstruct, file, code, options) => {
    obstruct();
    const refused = await start({ data, port: 0, ...options }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'BrokerError', code });
    expect(String(refused)).toContain(join(data, ...(file === 'ca.pem' ? ['tls'] : []), file));
    for (const name of [RECORD, draftOf(RECORD), 'key', draftOf('key'), 'tls', 'broker.db', 'broker.db-wal'])
      rmSync(join(data, name), { recursive: true, force: true });
    const broker = await start({ data, port: 0, ...options });
    await broker.stop();
  });

  it('stops when its record cannot be removed', async () => {
    const broker = await start({ data, port: 0 });
    rmSync(join(data, RECORD));
    folder(`${RECORD}/full`)();
    await broker.stop();
    expect(await broker.closed).toEqual({ reason: 'stopped' });
  });
});

it('the key of a process that died while it wrote it is drawn anew', async () => {
  writeFileSync(join(data, 'key'), '');
  const broker = await createBroker({ data, port: 0 });
  const key = readFileSync(join(data, 'key'), 'utf8').trim();
  expect(key).toMatch(/^[\w+/]{43}=$/);
  expect(broker.connectionString).toContain(`SharedAccessKey=${key};`);
  await broker.stop();
});

it('the record of another process is left where it is', async () => {
  const broker = await createBroker({ data, port: 0 });
  const record = JSON.stringify({ pid: process.pid + 1, port: 1, connectionString: 'of the next owner' });
  writeFileSync(join(data, RECORD), record);
  await broker.stop();
  expect(readFileSync(join(data, RECORD), 'utf8')).toBe(record);
});

it('a control side whose address cannot be written is refused, and listens no more', async () => {
  const servers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;
  const before = servers();
  const broker = await createBroker({ data: { memory: true }, port: 0 });
  folder('broker.control.json')();
  await expect(openControlSide(broker, data)).rejects.toMatchObject({ code: 'BROKER_DATA_UNWRITABLE' });
  await broker.stop();
  await expect.poll(servers).toBe(before);
});
