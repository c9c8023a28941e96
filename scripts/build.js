// Makes dist anew, of the packages beside this one, of this one, and the page of the console. Plain JavaScript, because `prepare` may run on an older
// Node. With --if-possible an install without the compiler keeps what is there, and so does one whose dist is new: npm runs
// `prepare` twice, for the root is one of its own workspaces.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** What is bundled into the page of others. */
const PARTS = ['preact', '@preact/signals', '@preact/signals-core'];

const ifPossible = process.argv.includes('--if-possible');

if (ifPossible && !existsSync(tsc)) {
  console.log('build: no compiler in this install, dist stays as it is');
} else {
  compile(join(root, 'packages', 'broker'), 'src');
  compile(join(root, 'otel'), '.');
  if (compile(root, 'src')) await bundlePage();
}

/** The page of the console: checked by the compiler, and bundled into files that load nothing else. */
async function bundlePage() {
  const page = join(root, 'src', 'console', 'page');
  const { status } = spawnSync(process.execPath, [tsc, '-p', page], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
  if (process.exitCode) return;
  const { build } = await import('esbuild');
  const out = join(root, 'dist', 'console');
  await build({
    entryPoints: [
      { in: join(page, 'main.tsx'), out: 'app' },
      { in: join(page, 'style', 'main.css'), out: 'app' },
    ],
    outdir: out,
    tsconfig: join(page, 'tsconfig.json'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome123', 'firefox128', 'safari17.5'],
    logLevel: 'warning',
  });
  cpSync(join(page, 'index.html'), join(out, 'index.html'));
  writeFileSync(join(out, 'licenses.txt'), PARTS.map(licenseOf).join('\n'));
}

function licenseOf(name) {
  return `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`;
}

/** Whether there is a new dist. */
function compile(folder, sources) {
  if (process.exitCode || (ifPossible && isNew(folder, sources))) return false;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
  return status === 0;
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
