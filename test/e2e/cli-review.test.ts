// The sample application as its scripts start it: one review, a failing one, one that is continued; nobody pays for traces that
// nobody wants; and every example of every --help.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createBrokerProgram } from 'quorate-broker/cli';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { startModelServer } from '../kit/model/server.ts';
import { runCli, sampleArgs, startCli } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/repos/small/', import.meta.url));
const PRELOAD = fileURLToPath(new URL('../kit/loaded-preload.ts', import.meta.url));
const REVIEW_MS = 120_000;
const DOCUMENTS = ['plan.json', 'report.json', 'report.md'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-review-'));
  await cp(FIXTURE, join(folder, 'repo'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A plan of what it is told of, and a verdict that it is good. */
function answerTo(body: string): string {
  const { messages } = JSON.parse(body) as { messages: { content: string }[] };
  const [system = '', user = '{}'] = messages.map(({ content }) => content);
  if (!system.startsWith('You plan')) return '{"score":0.98,"feedback":[]}';
  const { findings } = JSON.parse(user) as {
    findings: { title: string; rule: string; files: string[]; why: string }[];
  };
  const items = findings
    .slice(0, 10)
    .map(({ title, rule, files, why }) => ({ title, rules: [rule], files, effort: 'M', why }));
  return JSON.stringify({ items });
}

const LOADED = 'loaded.log';

/** One review of `repo`, and the modules of OpenTelemetry, other than its API, that it has loaded. */
async function observedDemo(options: string[], ...args: string[]) {
  const [command = '', ...own] = sampleArgs('demo', 'repo', '--out', 'out', ...args);
  const ended = await runCli([command, ...options, ...own], {
    cwd: folder,
    node: ['--import', PRELOAD],
    env: { QUORATE_TEST_LOADED: join(folder, LOADED) },
  });
  const loaded = (await readFile(join(folder, LOADED), 'utf8')).split('\n');
  expect(loaded.some((url) => url.includes('/@azure/service-bus/'))).toBe(true);
  return { ...ended, telemetry: loaded.filter((url) => /\/@opentelemetry\/(?!api\/)/.test(url)) };
}

describe('npm run demo', () => {
  it('reviews a folder, delivers the report, sums it up and loads no SDK of traces', {
    timeout: REVIEW_MS,
  }, async () => {
    const { code, stdout, stderr, telemetry } = await observedDemo([], '--yes');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(DOCUMENTS);
    expect(stdout).toContain(`report     ${join(folder, 'out', 'report.md')}\n`);
    expect(stdout).toMatch(/^findings {3}\d+ \(\d+ high, \d+ medium, \d+ low\)$/m);
    expect(stdout).toMatch(/^model {6}none: /m);
    expect(stdout).toMatch(/^question {3}Publish \d+ findings .*\nanswer {5}publish, by --yes$/m);
    expect(stdout).toMatch(/^ {2}reviewing {2}\d+\/\d+/m);
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(telemetry).toEqual([]);
  });

  it('with a model shows what it says while it comes, by whom, and what that cost', {
    timeout: REVIEW_MS,
  }, async () => {
    await using server = await startModelServer({
      work: ({ body }) => ({ ms: 1_000, text: answerTo(body) }),
    });
    const [command = '', ...own] = sampleArgs('demo', 'repo', '--out', 'out', '--yes');
    const { code, stdout, stderr } = await runCli([command, ...own], {
      cwd: folder,
      env: { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_MODEL: 'm', OPENAI_PRICE: '2/10' },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of ['planByRisk', 'planByEffort', 'critic'])
      expect(stdout).toMatch(new RegExp(`^ {2}${name} *│ \\{`, 'm'));
    const said = stdout.split('\n').filter((line) => line.startsWith('  planByRisk'));
    expect(said.map((line) => line.slice(line.indexOf('│') + 1).trim()).join('')).toContain('"items":[{');
    const [, calls, input, output, usd] =
      /^cost {7}(\d+) calls, (\d+) tokens in, (\d+) out, \$(\S+)$/m.exec(stdout)?.map(Number) ?? [];
    expect([calls, Number(input) + Number(output)]).toEqual([server.calls.length, server.billedTokens()]);
    expect(usd).toBeCloseTo((Number(input) * 2 + Number(output) * 10) / 1e6, 6);
  });

  // Each step by itself: test/unit/examples/repo-review/review.test.ts.
  it.each([
    ['stage', ['--trace-file', 'trace.jsonl']],
    ['publish', []],
  ])(
    'leaves the output folder as it was when %s fails, with the options %j',
    { timeout: REVIEW_MS },
    async (step, options) => {
      await mkdir(join(folder, 'out'));
      await writeFile(join(folder, 'out', 'report.md'), 'an older report\n');
      const { code, stdout, stderr, telemetry } = await observedDemo(options, '--fail-at', step);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `^error FAILED_ON_REQUEST: failed while delivering.*${step}: .+\\n {2}.*out is as it was\\n$`,
        ),
      );
      expect(stdout).not.toContain('report.md');
      expect(await readdir(join(folder, 'out'))).toEqual(['report.md']);
      expect(await readFile(join(folder, 'out', 'report.md'), 'utf8')).toBe('an older report\n');
      expect(telemetry.length > 0).toBe(options.length > 0);
    },
  );

  it.each([
    ['a missing folder', ['../nowhere'], 1, 'FOLDER_UNREADABLE'],
    ['an unknown step', ['--fail-at', 'lunch'], 2, 'USAGE'],
  ])('refuses %s before anything is started', async (_, args, exit, code) => {
    const { code: status, stdout, stderr } = await runCli(sampleArgs('demo', ...args), { cwd: folder });
    expect({ status, stdout }).toEqual({ status: exit, stdout: expect.stringMatching(/^quorate .+\n$/) });
    expect(stderr).toMatch(new RegExp(`^error ${code}: .+`));
  });
});

describe('npm start', () => {
  const start = () => startCli(sampleArgs('start', 'repo', '--out', 'out'), { cwd: folder });

  it('continues the review that a killed process had begun', {
    timeout: REVIEW_MS,
  }, async () => {
    const first = start();
    const begun = /^review +(\S+)/m.exec(await first.says(/^review .*$/m))?.[1];
    first.child.kill('SIGKILL');
    await first.ended;

    const second = start();
    expect(await second.says(/^review .*\(continued\)$/m)).toContain(` ${begun} `);
    expect(await second.says(/^serving .*$/m)).toMatch(
      /^serving +until it is stopped; watch it at http:\S+$/m,
    );
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(DOCUMENTS);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
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
    start: /^machines /m,
    console: /^stop /m,
  };

  it.each(examples)('%s --help runs', { timeout: REVIEW_MS }, async (name, args) => {
    const cwd = join(folder, 'repo');
    const env = { QUORATE_PORT: '0' };
    if (['start', 'doctor', 'draw', 'console', 'check'].includes(name)) {
      const counter = new URL('../fixtures/apps/counter.machine.ts', import.meta.url).href;
      const text = `export default { machines: { summary: { module: '${counter}', export: 'counter', version: '1' } } };`;
      await writeFile(join(cwd, 'quorate.config.ts'), text);
    }
    // These look at an application that runs.
    const host = ['console', 'check'].includes(name)
      ? startCli(['start', '--config', 'quorate.config.ts'], { cwd, env })
      : undefined;
    await host?.says(/^machines /m);
    const { child, says, ended } = startCli(args, { cwd, env });
    const up = LASTING[name];
    if (up !== undefined) {
      await says(up);
      child.kill('SIGTERM');
    }
    expect(await ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') });
    if (host === undefined) return;
    host.child.kill('SIGTERM');
    await host.ended;
    // Whatever `start` leaves in its data folder is its own.
    expect(await runCli(['reset', '--yes'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  });
});
