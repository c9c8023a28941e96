// Every check there is, in the order in which they are quick to fail; the same steps as CI.
import { spawnSync } from 'node:child_process';
import { argv, execPath, exit } from 'node:process';

const STEPS = [
  'check:format',
  'check:lint',
  'check:types',
  'check:imports',
  'check:unused',
  'test',
  'check:api',
  'check:package',
  'check:package:broker',
  'check:package:otel',
];

// The path of npm's own program: no shell has to find it, on no platform.
const npm = process.env['npm_execpath'];
if (npm === undefined) {
  console.error('verify: start it with `npm run verify`');
  exit(1);
}

const wanted = argv.slice(2);
for (const step of wanted.length === 0 ? STEPS : wanted) {
  console.log(`\nverify: ${step}`);
  const { status } = spawnSync(execPath, [npm, 'run', '--silent', step], { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`verify: ${step} failed`);
    exit(status ?? 1);
  }
}
console.log('\nverify: all checks passed');
