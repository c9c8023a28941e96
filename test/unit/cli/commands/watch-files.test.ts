import { mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileWatch, machineFiles, watchFiles } from '../../../../src/cli/commands/watch-files.ts';

let folder: string;
let watching: FileWatch | undefined;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'quorate-watch-')));
});
afterEach(async () => {
  watching?.close();
  await rm(folder, { recursive: true });
});

/** Resolves with each report of the watch, in order. */
function watchAll(files: readonly string[]): () => Promise<readonly string[]> {
  const reports: (readonly string[])[] = [];
  let wake: () => void = () => undefined;
  watching = watchFiles(files, (names) => {
    reports.push(names);
    wake();
  });
  return async () => {
    while (reports.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return reports.shift() ?? [];
  };
}

describe('watchFiles', () => {
  it('reports a write once, and a file that was renamed into place', async () => {
    const file = join(folder, 'machine.ts');
    await writeFile(file, '1');
    await writeFile(join(folder, 'other.ts'), '1');
    const next = watchAll([file]);
    await writeFile(join(folder, 'other.ts'), '2');
    await writeFile(file, '2');
    await writeFile(file, '3');
    expect(await next()).toEqual(['machine.ts']);
    await writeFile(join(folder, 'draft'), '4');
    await rename(join(folder, 'draft'), file);
    expect(await next()).toEqual(['machine.ts']);
  });
});

describe('machineFiles', () => {
  it('are the file URLs of the configuration, each once', () => {
    const module = pathToFileURL(join(folder, 'machine.ts'));
    const machines = {
      a: { module, export: 'a', version: '1' },
      b: { module: module.href, export: 'b', version: '1' },
      c: { module: 'some-package', export: 'c', version: '1' },
    };
    expect(machineFiles({ machines })).toEqual([join(folder, 'machine.ts')]);
  });
});
