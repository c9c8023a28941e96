// Runs every check there is, as CI does, and says what to do about the first that fails. `npm run verify -- check:api test` runs these.
import { spawnSync } from 'node:child_process';
import { argv, execPath, exit } from 'node:process';
import { STEPS } from './steps.ts';

// The path of npm's own program: no shell has to find it, on no platform.
const npm = process.env['npm_execpath'];
if (npm === undefined) {
  console.error('verify: start it with `npm run verify`');
  exit(1);
}

const wanted = argv.slice(2);
for (const step of wanted.length === 0 ? Object.keys(STEPS) : wanted) {
  console.log(`\nverify: ${step}`);
  const { status } = spawnSync(execPath, [npm, 'run', '--silent', step], { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`verify: ${step} failed: ${STEPS[step] ?? 'see above'}`);
    exit(status ?? 1);
  }
}
console.log('\nverify: all checks passed');
