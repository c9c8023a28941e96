// What an install weighs: packs the packages, installs them from the registry's versions into new folders, and prints MB and packages
// (`npm run verify:package`; needs the network, so it is no part of `npm run verify`). Fails above the limits. With a number it
// also names so many of the heaviest packages of each install. Then: whether traces arrive beside each SDK (verify-traces.ts).
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { INSTALLS } from './installs.ts';
import { verifyTraces } from './verify-traces.ts';

const BLOCK = 512;
const MEGABYTE = 1024 * 1024;

const heaviest = Number(argv[2] ?? 0);
const npm = process.env['npm_execpath'];
if (npm === undefined) {
  console.error('verify-package: start it with `npm run verify:package`');
  exit(1);
}

function run(args: readonly string[], cwd: string): string {
  const { status, stdout } = spawnSync(execPath, [npm ?? '', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`);
  return stdout;
}

/** On disk, as `du` counts. */
function bytesOf(path: string): number {
  const found = lstatSync(path);
  const own = found.blocks * BLOCK;
  if (!found.isDirectory()) return own;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), own);
}

function install(
  folder: string,
  tarballs: readonly string[],
): { readonly modules: string; readonly paths: string[] } {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run(['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs], folder);
  const modules = join(folder, 'node_modules');
  const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  return { modules, paths: Object.keys(packages) };
}

const top = mkdtempSync(join(tmpdir(), 'quorate-install-'));
let failed = false;
let traceless: readonly string[] = [];
try {
  const packed = JSON.parse(
    run(
      ['pack', './.', './packages/broker', './otel', '--json', '--ignore-scripts', '--pack-destination', top],
      '.',
    ),
  ) as readonly {
    readonly name: string;
    readonly filename: string;
    readonly entryCount: number;
    readonly unpackedSize: number;
  }[];
  for (const { name, entryCount, unpackedSize } of packed)
    console.log(`${name}: ${entryCount} files, ${(unpackedSize / 1e6).toFixed(1)} MB unpacked`);
  console.log('\n| what is installed | MB | at most | packages | at most |\n| --- | --- | --- | --- | --- |');
  for (const [index, { what, packages, megabytes, count }] of INSTALLS.entries()) {
    const tarballs = packages.map((name) =>
      join(top, packed.find((one) => one.name === name)?.filename ?? name),
    );
    const { modules, paths } = install(join(top, String(index)), tarballs);
    const size = Math.ceil(bytesOf(modules) / MEGABYTE);
    console.log(`| ${what} | ${size} | ${megabytes} | ${paths.length} | ${count} |`);
    if (size > megabytes || paths.length > count) failed = true;
    const weights = paths.map(
      (path) => [path.replace('node_modules/', ''), bytesOf(join(modules, '..', path))] as const,
    );
    for (const [path, bytes] of weights.toSorted(([, one], [, other]) => other - one).slice(0, heaviest))
      console.log(`  ${(bytes / MEGABYTE).toFixed(1).padStart(5)}  ${path}`);
  }
  const ours = packed
    .filter(({ name }) => name !== 'quorate-otel')
    .map(({ filename }) => join(top, filename));
  traceless = verifyTraces(top, ours, run);
} finally {
  rmSync(top, { recursive: true, force: true });
}
if (failed) {
  console.error(
    '\nverify-package: an install is heavier than scripts/installs.ts allows; look at what was added.',
  );
  exit(1);
}
if (traceless.length > 0) {
  console.error(`\nverify-package: traces do not arrive as they should:\n${traceless.join('\n')}`);
  exit(1);
}
