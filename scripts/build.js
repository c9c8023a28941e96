// Makes dist anew, of the packages beside this one and then of this one: the compiled tree beside the files that are served or read as they
// are. Plain JavaScript, because `prepare` may run on an older Node; with --if-possible an install without the compiler keeps
// what is there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const COMPILED = ['.ts', '.md'];

if (!existsSync(tsc) && process.argv.includes('--if-possible')) {
  console.log('build: no compiler in this install, dist stays as it is');
} else {
  compile(join(root, 'packages', 'broker'));
  compile(join(root, 'otel'));
  compile(root, ['src', 'examples']);
}

function compile(folder, withAssets = []) {
  if (process.exitCode) return;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  for (const name of withAssets) copyAssets(name);
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

function copyAssets(folder) {
  cpSync(join(root, folder), join(root, 'dist', folder), {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || !COMPILED.includes(extname(source)),
  });
}
