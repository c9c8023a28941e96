// What a review looks at, what it leaves out and says so, and folders that cannot be reviewed.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from 'quorate';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scan } from '../../../../examples/repo-review/agents/scan.ts';
import { runFiles, type ScanRecord } from '../../../../examples/repo-review/lib/run-folder.ts';
import type { ReviewFile, Scan } from '../../../../examples/repo-review/protocol.ts';
import { agentContext, copyOfFixture, temporaryFolder } from './kit.ts';

async function scanned(folder: string, more: Record<string, string> = {}) {
  const context = agentContext();
  const elsewhere = await temporaryFolder();
  const input = { runId: 'r1', folder, out: join(elsewhere, 'out'), runs: join(elsewhere, 'runs'), ...more };
  const found = (await scan(input, context)) as unknown as Scan;
  const files = (await context.payloads.get(found.files)) as unknown as ReviewFile[];
  const record = JSON.parse(await readFile(runFiles.scan(found.runFolder), 'utf8')) as ScanRecord;
  return { found, paths: files.map((file) => file.path), skipped: record.skipped, input, context };
}

describe('scan', () => {
  test('lists the fixture by path and skips its binary', async () => {
    const { found, paths, skipped } = await scanned(await copyOfFixture('small'));
    expect(paths).toEqual([
      'README.md',
      'docs/guide.md',
      'src/broken.js',
      'src/db.js',
      'src/grade.js',
      'src/server.ts',
    ]);
    expect(skipped).toEqual([{ path: 'assets/logo.png', why: 'binary' }]);
    expect(found).toMatchObject({ fileCount: 6, skippedCount: 1, files: { count: 6 } });
  });

  test('leaves out links, large files, node_modules, dist, the output and the runs', async () => {
    const root = await temporaryFolder();
    for (const folder of ['node_modules/a', 'dist', 'out', 'runs', 'src'])
      await mkdir(join(root, folder), { recursive: true });
    for (const file of [
      'node_modules/a/i.js',
      'dist/i.js',
      'out/report.md',
      'runs/x.json',
      'src/a.js',
      'src/größe.md',
    ]) {
      await writeFile(join(root, file), 'text');
    }
    await symlink('/etc/passwd', join(root, 'link'));
    await writeFile(join(root, 'latin1.txt'), Buffer.from([0x67, 0x72, 0xf6, 0xdf, 0x65]));
    const sparse = await open(join(root, 'huge.bin'), 'w');
    await sparse.truncate(50 * 1024 * 1024);
    await sparse.close();
    const { paths, skipped } = await scanned(root, { out: join(root, 'out'), runs: join(root, 'runs') });
    expect(paths).toEqual(['src/a.js', 'src/größe.md']);
    expect(skipped).toEqual([
      { path: 'huge.bin', why: 'larger than 1 MB' },
      { path: 'latin1.txt', why: 'binary' },
      { path: 'link', why: 'symbolic link' },
    ]);
  });

  test('a character cut off by the first block is no binary', async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, 'a.txt'), `${'x'.repeat(8_191)}ü and more`);
    expect((await scanned(root)).paths).toEqual(['a.txt']);
  });

  test('in a git repository: what is tracked or new, not what is ignored', async () => {
    const root = await temporaryFolder();
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: 'ignore' });
    git('init');
    await writeFile(join(root, '.gitignore'), 'secret.txt\n');
    for (const file of ['secret.txt', 'tracked.txt', 'new.txt', 'deleted.txt'])
      await writeFile(join(root, file), 'x');
    git('add', 'tracked.txt', 'deleted.txt');
    await rm(join(root, 'deleted.txt'));
    await mkdir(join(root, 'nested'));
    execFileSync('git', ['init'], { cwd: join(root, 'nested'), stdio: 'ignore' });
    await writeFile(join(root, 'nested', 'foreign.txt'), 'x');
    const { paths, skipped } = await scanned(root);
    expect(paths).toEqual(['.gitignore', 'new.txt', 'tracked.txt']);
    expect(skipped).toEqual([{ path: 'nested/', why: 'folder that was not looked into' }]);
  });

  test.skipIf(process.getuid?.() === 0)(
    'a folder within that cannot be read is left out and named',
    async () => {
      const root = await copyOfFixture('small');
      await chmod(join(root, 'docs'), 0o000);
      onTestFinished(() => chmod(join(root, 'docs'), 0o755));
      const { skipped } = await scanned(root);
      expect(skipped).toContainEqual({ path: 'docs', why: 'folder that was not looked into' });
    },
  );

  test('run again it gives what it gave, though the folder has changed', async () => {
    const root = await copyOfFixture('small');
    const { found, input, context } = await scanned(root);
    await writeFile(join(root, 'late.js'), 'x');
    expect(await scan(input, { ...context, attempt: 2 })).toEqual(found);
  });

  test('another review under the same id has a folder of its own', async () => {
    const { found, input } = await scanned(await copyOfFixture('small'));
    const other = (await scan(input, agentContext({ key: 'another life' }))) as unknown as Scan;
    expect(other.runFolder).not.toBe(found.runFolder);
  });
});

describe('a folder that cannot be reviewed is one coded failure, not to be retried', () => {
  const failing = async (folder: string, code: string, text: RegExp) => {
    const error: unknown = await scanned(folder).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, retryable: false });
    expect((error as Error).message).toMatch(text);
  };

  test('missing', async () =>
    failing(join(await temporaryFolder(), 'no'), 'FOLDER_UNREADABLE', /does not exist/));
  test('empty', async () => failing(await temporaryFolder(), 'FOLDER_EMPTY', /no file that can be reviewed/));
  test('a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'), 'x');
    await failing(join(folder, 'a'), 'FOLDER_UNREADABLE', /is not a folder/);
  });
  test('nothing but binaries', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'), Buffer.alloc(10));
    await failing(folder, 'FOLDER_EMPTY', /no file/);
  });

  test.each([
    [{}, /folder/],
    [{ runId: 'a', folder: '.', out: 'o', policy: 0 }, /policy/],
    [{ runId: 'a', folder: '.', out: 'o', failAt: 'later' }, /failAt/],
    [{ runId: 'a', folder: '.', out: 'o', extra: 1 }, /extra/],
  ] as [Json, RegExp][])('an input that is none: %j', async (input, text) => {
    const error: unknown = await scan(input, agentContext()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'INPUT_INVALID', retryable: false });
    expect((error as Error).message).toMatch(text);
  });
});
