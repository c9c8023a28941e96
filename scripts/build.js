// Makes dist anew: the compiled tree beside the files that are served or read as they are. Plain JavaScript, because
// `prepare` may run on an older Node; with --if-possible an install without the compiler keeps what is there.
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
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  for (const folder of ['src', 'otel', 'examples']) copyAssets(folder);
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
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
