// The sample application on the command line: one review, a failing one, one that is continued, and every example of
// every --help.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createBrokerProgram } from 'quorate-broker/cli';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { runCli, startCli } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/repos/small/', import.meta.url));
const REVIEW_MS = 120_000;
const DOCUMENTS = ['plan.json', 'report.json', 'report.md'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-review-'));
  await cp(FIXTURE, join(folder, 'repo'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const demo = (...args: string[]) =>
  runCli(['demo', 'repo', '--out', 'out', '--port', '0', ...args], { cwd: folder });

describe('quorate demo', () => {
  it('reviews a folder, delivers the report and sums it up', { timeout: REVIEW_MS }, async () => {
    const { code, stdout, stderr } = await demo();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(DOCUMENTS);
    expect(stdout).toContain(`report     ${join(folder, 'out', 'report.md')}\n`);
    expect(stdout).toMatch(/^findings {3}\d+ \(\d+ high, \d+ medium, \d+ low\)$/m);
    expect(stdout).toMatch(/^model {6}none: /m);
    expect(stdout).toMatch(/^ {2}reviewing {2}\d+\/\d+/m);
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  // Each step by itself: test/unit/examples/repo-review/review.test.ts.
  it.each(['stage', 'publish'])(
    'leaves the output folder as it was when %s fails',
    { timeout: REVIEW_MS },
    async (step) => {
      await mkdir(join(folder, 'out'));
      await writeFile(join(folder, 'out', 'report.md'), 'an older report\n');
      const { code, stdout, stderr } = await demo('--fail-at', step);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `^error FAILED_ON_REQUEST: failed while delivering.*${step}: .+\\n {2}.*out is as it was\\n$`,
          'm',
        ),
      );
      expect(stdout).not.toContain('report.md');
      expect(await readdir(join(folder, 'out'))).toEqual(['report.md']);
      expect(await readFile(join(folder, 'out', 'report.md'), 'utf8')).toBe('an older report\n');
    },
  );
});

describe('quorate serve', () => {
  const serve = () => startCli(['serve', 'repo', '--out', 'out', '--port', '0'], { cwd: folder });

  it('goes on with the review that a killed process had begun, and then begins another', {
    timeout: REVIEW_MS,
  }, async () => {
    const first = serve();
    const begun = /^review +(\S+)/m.exec(await first.says(/^review .*$/m))?.[1];
    first.child.kill('SIGKILL');
    await first.ended;

    const second = serve();
    expect(await second.says(/^review .*\(continued\)$/m)).toContain(` ${begun} `);
    await second.says('serving');
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(DOCUMENTS);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);

    const third = serve();
    const said = await third.says(/^review .*$/m);
    expect(said).not.toContain('(continued)');
    expect(/^review +(\S+)/m.exec(said)?.[1]).not.toBe(begun);
    third.child.kill('SIGTERM');
    expect((await third.ended).code).toBe(0);
  });
});

const isOwn = (command: Command) => command.name() !== 'broker';

describe('the example of', () => {
  // The broker's commands are those of its package.
  const broker = createBrokerProgram({ name: 'quorate broker', finish: () => undefined });
  const examples = [...createProgram(() => undefined).commands.filter(isOwn), broker].map((command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    return [
      command.name().split(' ').at(-1) ?? '',
      /Example:\n {2}quorate (.+)$/m.exec(help)?.[1]?.split(' ') ?? [],
    ] as const;
  });
  /** Commands that run until they are told to stop, and what they say once they are up. */
  const LASTING: Readonly<Record<string, RegExp>> = {
    broker: /^stop /m,
    serve: /^review /m,
    start: /^machines /m,
  };

  it.each(examples)('%s --help runs', { timeout: REVIEW_MS }, async (name, args) => {
    const cwd = join(folder, 'repo');
    const env = { QUORATE_PORT: '0' };
    if (name === 'start' || name === 'doctor') {
      const counter = new URL('../fixtures/apps/counter.machine.ts', import.meta.url).href;
      const text = `export default { machines: { counter: { module: '${counter}', export: 'counter', version: '1' } } };`;
      await writeFile(join(cwd, 'quorate.config.ts'), text);
    }
    const { child, says, ended } = startCli(args, { cwd, env });
    const up = LASTING[name];
    if (up !== undefined) {
      await says(up);
      child.kill('SIGTERM');
    }
    expect(await ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') });
  });
});
