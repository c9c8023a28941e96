// Makes dist anew, of the packages beside this one and then of this one. Plain JavaScript, because `prepare` may run on an older
// Node. With --if-possible an install without the compiler keeps what is there, and so does one whose dist is new: npm runs
// `prepare` twice, for the root is one of its own workspaces.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

const ifPossible = process.argv.includes('--if-possible');

if (ifPossible && !existsSync(tsc)) {
  console.log('build: no compiler in this install, dist stays as it is');
} else {
  compile(join(root, 'packages', 'broker'), 'src');
  compile(join(root, 'otel'), '.');
  compile(root, 'src');
}

function compile(folder, sources) {
  if (process.exitCode || (ifPossible && isNew(folder, sources))) return;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

/** Every file of dist is younger than all it is made of; a folder is as young as the last file that came or went. */
function isNew(folder, sources) {
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return false;
  const made = timesIn(dist);
  const sourceTimes = [
    ...timesIn(join(folder, sources)),
    timeOf(tsc),
    timeOf(join(folder, 'tsconfig.build.json')),
  ];
  return Math.min(...made) >= Math.max(...sourceTimes, timeOf(join(root, 'tsconfig.json')));
}

function timesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const inner = entries.flatMap((entry) => {
    if (entry.name === 'dist' || entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? timesIn(path) : [timeOf(path)];
  });
  return [timeOf(folder), ...inner];
}

function timeOf(path) {
  return statSync(path).mtimeMs;
}
