// `npm run chaos -- --minutes N --seed S`: three hosts and a broker under everything that goes wrong in production.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const DIST = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, json: { type: 'boolean' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const say = (line: string): boolean => process.stderr.write(`${line}\n`);
if (!(minutes > 0 && minutes <= 24 * 60) || !Number.isSafeInteger(seed)) {
  say('usage: npm run chaos -- [--minutes 1] [--seed 7] [--json]');
  process.exitCode = 2;
} else if (!existsSync(DIST)) {
  say('dist is missing: run `npm run build`');
  process.exitCode = 2;
} else {
  say(`chaos: ${minutes} minutes, seed ${seed}`);
  const { runChaos } = await import('./run.ts');
  const { folder, ...result } = await runChaos({ seconds: minutes * 60, seed, say });
  console.log(JSON.stringify({ seed, minutes, ...result }, undefined, values.json ? 0 : 2));
  if (result.violations.length > 0) {
    say(`${result.violations.length} violations; logs and data are in ${folder}`);
    process.exitCode = 1;
  }
}
