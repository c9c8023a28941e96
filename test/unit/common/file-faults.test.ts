import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileFault as brokerFileFault } from '../../../packages/broker/src/files.ts';
import { fileFault } from '../../../src/common/file-faults.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { makeFolder } from '../../../src/storage/folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-faults-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ofSystem = (code: string): Error =>
  Object.assign(new Error(`${code}: on purpose`), { code, syscall: 'open' });

describe('what the system says of a file', () => {
  it.each([
    ['EMFILE', 'FILES_EXHAUSTED', 'BROKER_FILES_EXHAUSTED'],
    ['ENFILE', 'FILES_EXHAUSTED', 'BROKER_FILES_EXHAUSTED'],
    ['ENOSPC', 'DATA_UNWRITABLE', 'BROKER_DATA_UNWRITABLE'],
    ['EROFS', 'DATA_UNWRITABLE', 'BROKER_DATA_UNWRITABLE'],
    ['EACCES', 'DATA_UNWRITABLE', 'BROKER_DATA_UNWRITABLE'],
    ['EIO', 'DISK_FAILED', 'BROKER_DISK_FAILED'],
  ])('is said as it is: %s', (code, ours, brokers) => {
    expect(fileFault(ofSystem(code), 'opening x')).toMatchObject({ code: ours });
    expect(brokerFileFault(ofSystem(code), '/x', undefined)).toMatchObject({ code: brokers });
  });

  it('is nothing where it is no word of the system, or of something else', () => {
    expect(fileFault(Object.assign(new Error('x'), { code: 'EMFILE' }), 'opening')).toBeUndefined();
    expect(fileFault(ofSystem('ECONNREFUSED'), 'opening')).toBeUndefined();
    expect(fileFault(undefined, 'opening')).toBeUndefined();
  });

  it.each([
    ['IOERR', 10, 'BROKER_DISK_FAILED'],
    ['READONLY', 8, 'BROKER_DATA_UNWRITABLE'],
    ['FULL', 13, 'BROKER_DATA_UNWRITABLE'],
    ['CORRUPT', 11, undefined],
    ['NOTADB', 26, undefined],
  ])('by SQLite: %s is no damage, unless it is', (_name, code, brokers) => {
    expect(brokerFileFault(new Error('sqlite'), join(folder, 'none'), code)?.code).toBe(brokers);
  });
});

describe('a data folder that cannot be', () => {
  it('is DATA_UNWRITABLE where a file has its name, or lies on the way', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')])
      expect(() => makeFolder(path)).toThrow(
        expect.objectContaining({ code: 'DATA_UNWRITABLE', message: expect.stringContaining(path) }),
      );
  });

  it('never asks to move away a file of results that is whole', async () => {
    const taken = join(folder, 'results.db');
    await mkdir(taken);
    await expect(openDatabase(taken)).rejects.toMatchObject({ code: 'DATA_UNWRITABLE' });
  });
});

describe('a host with few file handles', () => {
  it.skipIf(process.platform === 'win32')('is refused before it says that it is ready', () => {
    const module = new URL('../../../src/common/file-faults.ts', import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then((m) => { try { m.checkHandles(4); console.log('ok'); } catch (e) { console.log(e.code, e.message); } })`;
    const run = (limit: number): string =>
      spawnSync('sh', ['-c', `ulimit -n ${limit}; exec "$0" -e "$1"`, process.execPath, code], {
        cwd: fileURLToPath(new URL('../../../', import.meta.url)),
        encoding: 'utf8',
        timeout: 60_000,
      }).stdout;
    expect(run(64)).toMatch(/^FILES_EXHAUSTED a host needs 80 file handles, and \d+ are left/);
    expect(run(512)).toBe('ok\n');
  });
});
