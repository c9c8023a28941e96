// Applications with Azure Monitor or line 2 of the SDK have API 1.9: nothing of a later one may be used, neither a value, which would
// end the import, nor a method.
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as oldest from 'opentelemetry-api-oldest';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const IMPORT = /import (?!type)(?:\* as \w+|\{([^}]*)\}) from '@opentelemetry\/api'/g;

const users = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) =>
  readFileSync(join(ROOT, path), 'utf8').includes("from '@opentelemetry/api'"),
);

it('imports only values that API 1.9.0 has', () => {
  expect(users.length).toBeGreaterThan(10);
  const values = users.flatMap((path) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(IMPORT)].flatMap(([, names = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type ')),
    ),
  );
  // Types among them are in no module at run time: the compiler holds them, below.
  const missing = [...new Set(values)].filter((name) => !(name in oldest) && !isType(name));
  expect(missing).toEqual([]);
});

function isType(name: string): boolean {
  const declared = readFileSync(
    join(ROOT, 'node_modules/opentelemetry-api-oldest/build/src/index.d.ts'),
    'utf8',
  );
  return new RegExp(`\\b${name}\\b`).test(declared);
}

it('compiles against API 1.9.0', { timeout: 120_000 }, async () => {
  // In the tree, so that packages are found.
  const folder = await mkdtemp(join(ROOT, 'node_modules/.cache/api-surface-'));
  try {
    const api = join(ROOT, 'node_modules/opentelemetry-api-oldest/build/src/index.d.ts');
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { noEmit: true, incremental: false, paths: { '@opentelemetry/api': [api] } },
      include: [],
      files: users.map((path) => join(ROOT, path)),
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(execPath, [tsc, '-p', folder]).catch(
      (failure: { readonly stdout: string }) => failure,
    );
    expect(stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
