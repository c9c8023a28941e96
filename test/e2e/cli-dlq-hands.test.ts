// `quorate dlq` in the hands of a person: many letters and Ctrl+C, and an editor at a terminal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Remedied } from '../../src/contract/dead-letters.ts';
import type { LocalRuntime } from '../../src/runtime/counters.ts';
import { createRuntime } from '../../src/runtime/runtime.ts';
import { BIN, type Ended, runCli, startCli } from './cli-process.ts';

const picky = {
  module: new URL('../fixtures/apps/picky.machine.ts', import.meta.url),
  export: 'picky',
  version: '1',
};
/** Of util-linux: runs a command at a terminal of its own. */
const SCRIPT = '/usr/bin/script';
let folder: string;
let runtime: LocalRuntime;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-dlq-'));
  const data = join(folder, '.quorate');
  // What a command had in hand when it was killed is free after that.
  const lockDurationMs = 5_000;
  runtime = await createRuntime({ machines: { picky }, data, port: 0, lockDurationMs }, { env: {} });
});
afterAll(async () => {
  await runtime.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Letters of an actor that is not there, one for each value, set aside. */
async function setAside(id: string, values: readonly string[]): Promise<void> {
  const { client } = runtime;
  await Promise.all(values.map((value) => client.send('picky', id, { type: 'take', value })));
  const numbers = async (): Promise<readonly number[]> => {
    const { items } = await client.deadLetters.list({ actor: `picky/${id}`, limit: 1_000 });
    return items.map(({ number }) => number);
  };
  await expect.poll(async () => (await numbers()).length, { timeout: 30_000 }).toBe(values.length);
  // Only what has been set aside can be taken: an edit that changes nothing tells.
  const untilAside = (number: number) =>
    expect.poll(() => client.deadLetters.edit(number, { set: {} })).toBe('edited');
  await Promise.all((await numbers()).map(untilAside));
}

/** A command at a terminal of its own. */
async function atTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const words = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn(SCRIPT, ['-qec', words, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [stdout, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr: '' };
}

it('Ctrl+C ends a redrive of many: what was done is said, and the same command does the rest, once and in order', async () => {
  const { client } = runtime;
  const words = Array.from({ length: 120 }, (_, at) => `word ${at}`);
  await setAside('many', words);
  await client.start('picky', { id: 'many' });
  await client.send('picky', 'many', { type: 'learn' });
  const args = ['dlq', 'redrive', '--actor', 'picky/many'];
  const first = startCli([...args, '--rate', '100/s'], { cwd: folder });
  await first.says(/(\d+ redriven\n){20}/);
  first.child.kill('SIGINT');
  const { code, stdout, stderr } = await first.ended;
  expect(code).toBe(130);
  const lines = stdout.trimEnd().split('\n');
  const done = lines.length - 1;
  expect(lines.at(-1)).toBe(`${done} redriven`);
  expect(stderr).toMatch(/^interrupted: /);
  expect(done).toBeGreaterThanOrEqual(20);
  const { items } = await client.deadLetters.list({ limit: 1_000 });
  expect(items).toHaveLength(words.length - done);
  const second = await runCli([...args, '--json'], { cwd: folder });
  expect(second.code).toBe(0);
  const told = second.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Remedied);
  // They go as they were sent, which is not how they were set aside.
  expect(told.toSorted((one, other) => one.number - other.number)).toEqual(
    items.map(({ number }) => ({ number, outcome: 'redriven' })),
  );
  await expect
    .poll(async () => (await client.query('picky', 'many')).context, { timeout: 30_000 })
    .toEqual({ learnt: true, taken: words });
});

it('a redrive that is killed is done by further ones: nothing is lost, comes twice or overtakes another', async () => {
  const { client } = runtime;
  const words = Array.from({ length: 100 }, (_, at) => `word ${at}`);
  await setAside('killed', words);
  await client.start('picky', { id: 'killed' });
  await client.send('picky', 'killed', { type: 'learn' });
  const args = ['dlq', 'redrive', '--actor', 'picky/killed'];
  const first = startCli([...args, '--rate', '200/s'], { cwd: folder });
  await first.says(/(\d+ redriven\n){20}/);
  first.child.kill('SIGKILL');
  await first.ended;
  const codes: (number | null)[] = [];
  await expect
    .poll(
      async () => {
        codes.push((await runCli(args, { cwd: folder })).code);
        return (await client.deadLetters.list({ actor: 'picky/killed' })).items;
      },
      { timeout: 60_000, interval: 1_000 },
    )
    .toEqual([]);
  // Those before the last found letters that the killed one had in hand.
  expect(codes.slice(0, -1).filter((code) => code !== 1)).toEqual([]);
  await expect
    .poll(async () => (await client.query('picky', 'killed')).context, { timeout: 30_000 })
    .toEqual({ learnt: true, taken: words });
});

it.runIf(process.platform === 'linux')(
  'a letter is changed in an editor; what is not taken is kept',
  async () => {
    await setAside('one', ['word']);
    const { deadLetters } = runtime.client;
    const [{ number } = { number: -1 }] = (await deadLetters.list({ actor: 'picky/one' })).items;
    const edit = (editor: string) => atTerminal(['dlq', 'edit', String(number)], { EDITOR: editor });
    expect(await edit('true')).toMatchObject({ code: 0, stdout: `${number} unchanged\r\n` });
    expect(await edit('false')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('false ended with 1: nothing was changed'),
    });
    const broken = await edit('sed -i s/}//');
    expect(broken).toMatchObject({ code: 1, stdout: expect.stringContaining('error INPUT_INVALID: ') });
    const kept = new RegExp(`what you wrote is kept: quorate dlq edit ${number} --body (\\S+)`).exec(
      broken.stdout,
    );
    expect(await readFile(kept?.[1] ?? '', 'utf8')).toContain('"value": "word"');
    const { edited } = (await deadLetters.list({ actor: 'picky/one' })).items[0] ?? {};
    expect(await edit('sed -i s/word/WORD/')).toMatchObject({ code: 0, stdout: `${number} edited\r\n` });
    const changed = await deadLetters.show(number);
    expect(changed).toMatchObject({ body: { event: { value: 'WORD' } }, was: { event: { value: 'word' } } });
    expect(changed?.edited?.at).toBeGreaterThan(edited?.at ?? 0);
  },
);
