// Installs the lowest version that each range of what is published allows, in the place of those of the lock file: what the
// ranges promise can then be checked. `npm ci` puts the others back.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { execPath, exit } from 'node:process';

const MANIFESTS = ['package.json', 'packages/broker/package.json', 'otel/package.json'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function lowestOf(path: string): string[] {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  return Object.entries({ ...dependencies, ...peerDependencies })
    .filter(([, range]) => range.startsWith('^'))
    .map(([name, range]) => `${name}@${range.slice(1)}`);
}

const npm = process.env['npm_execpath'];
if (npm === undefined) {
  console.error('lowest: start it with `npm run lowest`');
  exit(1);
}
const versions = [...new Set(MANIFESTS.flatMap(lowestOf))]
  // Line 3 of the SDK, which the tests run with, takes no older one; a test of the package has the older API itself.
  .filter((version) => !version.startsWith('@opentelemetry/api@'))
  .toSorted();
console.log(`lowest: ${versions.join(' ')}`);
const args = [npm, 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...versions];
exit(spawnSync(execPath, args, { stdio: 'inherit' }).status ?? 1);
