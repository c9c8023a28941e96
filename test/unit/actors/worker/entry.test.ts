import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createWorkerPool } from '../../../../src/actors/pool/pool.ts';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import { event, moduleOf, refOf, runTurn } from './harness.ts';

const logics = refOf('logics', 'logics');
const file = logics.module;
let pool: WorkerPool;

beforeAll(() => {
  pool = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 });
});
afterAll(() => pool.close());

describe('the worker entry', () => {
  it('refuses the main thread', async () => {
    expect(threadId).toBe(0);
    await expect(import('../../../../src/actors/worker/entry.ts')).rejects.toThrow(/worker threads only/);
  });
});

describe('turn', () => {
  it('runs in another thread and says which', async () => {
    const result = await runTurn(pool, refOf('counter', 'counter'), {
      inputs: [{ kind: 'start', input: { from: 1 } }, event('add', { by: 2 }), event('stop')],
    });
    expect(result.threadId).toBeGreaterThan(0);
    expect(result.state).toMatchObject({ status: 'done', output: 3, turn: 3 });
  });

  it('finds a child machine by its path', async () => {
    const child = { ...logics, type: 'logics.tally', path: ['tally'] };
    expect((await runTurn(pool, child)).state).toMatchObject({
      status: 'active',
      snapshot: { value: 'counting' },
    });
  });
});

describe('describe', () => {
  it('names both copies of XState where a machine is made with another', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quorate-copies-')));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const ours = join(import.meta.dirname, '../../../../node_modules/xstate');
    const theirs = join(folder, 'node_modules/xstate');
    cpSync(ours, theirs, { recursive: true });
    const module = join(folder, 'machine.mjs');
    writeFileSync(
      module,
      `import { setup } from 'xstate';
      export const one = setup({ actions: { note: () => {} } }).createMachine({ initial: 'a', states: { a: { entry: 'note', always: 'b' }, b: {} } });`,
    );
    const machine = { ...logics, type: 'one', module: pathToFileURL(module).href, export: 'one' };
    const described = await pool.run({ kind: 'describe', machine });
    expect(described).toMatchObject({
      kind: 'failed',
      error: {
        code: 'MODULE_NOT_LOADED',
        message: expect.stringContaining(`copy of xstate, ${theirs}, than Quorate's, `),
      },
    });
  });

  it('says what a machine is', async () => {
    const response = await pool.run({ kind: 'describe', machine: logics });
    expect(response).toMatchObject({ kind: 'described', description: { id: 'logics', machine: logics } });
  });

  it.each([
    [
      'a module that is not there',
      { ...logics, module: moduleOf('nowhere') },
      'MODULE_NOT_LOADED',
      /^machine 'logics' of \S+nowhere\S+: Cannot find module '\S+nowhere\S+'$/,
    ],
    [
      'an export that is not there',
      { ...logics, export: 'other' },
      'MODULE_NOT_LOADED',
      /exports no 'other'/,
    ],
    [
      'an export that is no machine',
      { ...logics, export: 'notAMachine' },
      'MODULE_NOT_LOADED',
      /not an XState machine/,
    ],
    ['a path that leads nowhere', { ...logics, path: ['double'] }, 'MODULE_NOT_LOADED', /actor 'double'/],
    [
      'a machine that can not be durable',
      { ...logics, export: 'inline' },
      'MACHINE_NOT_DURABLE',
      /inline action/,
    ],
  ])('fails for %s', async (_name, machine, code, message) => {
    const response = await pool.run({ kind: 'describe', machine });
    expect(response).toEqual({ kind: 'failed', error: { code, message: expect.stringMatching(message) } });
  });
});

describe('a module that does not load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-module-'));
  const write = (name: string, text: string): string => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const xstate = JSON.stringify(import.meta.resolve('xstate'));

  it.each<[string, string, string, RegExp]>([
    [
      'bad syntax in TypeScript',
      'a/bad.ts',
      'export const a: number = 1;\nexport const m = = 2;\n',
      /bad\.ts:2\)/,
    ],
    ['bad syntax in JavaScript', 'b/bad.js', 'export const a = 1;\n\nexport const m = = 2;\n', /bad\.js:3\)/],
    ['what cannot be stripped', 'c/bad.ts', '\nenum A { x }\nexport const m = A.x;\n', /enum.*bad\.ts:2\)/],
    ['what throws as it loads', 'd/bad.ts', '\n\nnothing();\nexport const m = 1;\n', /nothing.*bad\.ts:3\)/],
    [
      'a project of CommonJS',
      'cjs/m.ts',
      'export const m: number = 1;\n',
      /m\.ts:1\); .*CommonJS.*"type": "module".*cjs\/package\.json/,
    ],
    [
      'an initial state that is none',
      'e/m.ts',
      `import { createMachine } from ${xstate};\nexport const m = createMachine({ initial: 'nope', states: { a: {} } });\n`,
      /machine 'order'.*nope.*#order/,
    ],
  ])('says where, for %s', async (_name, path, text, message) => {
    for (const kind of ['module', 'commonjs'])
      write(kind === 'module' ? 'package.json' : 'cjs/package.json', JSON.stringify({ type: kind }));
    const machine = { type: 'order', module: write(path, text), export: 'm', version: '1', path: [] };
    expect(await pool.run({ kind: 'describe', machine })).toEqual({
      kind: 'failed',
      error: { code: 'MODULE_NOT_LOADED', message: expect.stringMatching(message) },
    });
  });
});

describe('promise', () => {
  const run = (src: string) => pool.run({ kind: 'promise', machine: logics, src, input: { n: 4 } });

  it('gives its output', async () => {
    expect(await run('double')).toMatchObject({ outcome: { status: 'done', output: { doubled: 8 } } });
  });

  it('invoked without input gets none, as under createActor', async () => {
    const request = { kind: 'promise', machine: logics, src: 'optional', input: null } as const;
    expect(await pool.run(request)).toMatchObject({ outcome: { status: 'done', output: 7 } });
  });

  it('that emits is told that nobody would hear it', async () => {
    expect(await run('emits')).toMatchObject({
      outcome: {
        status: 'error',
        error: {
          code: 'MACHINE_NOT_DURABLE',
          message: expect.stringContaining("emit(progress) in promise logic 'emits'"),
        },
      },
    });
  });

  it('gives what it throws as an outcome, and whether to try again', async () => {
    expect(await run('fails')).toMatchObject({
      outcome: {
        status: 'error',
        error: { code: 'TASK_FAILED', name: 'TypeError', data: { failure: { kind: 'permanent' } } },
      },
    });
    expect(await run('throws')).toMatchObject({
      outcome: { status: 'error', error: { message: 'at once', name: 'RangeError' } },
    });
  });

  it('gives JSON: a result that can not be cloned is refused and leaves the thread alive', async () => {
    const response = await run('unclonable');
    expect(response).toMatchObject({
      outcome: {
        status: 'error',
        error: {
          code: 'OUTPUT_INVALID',
          message: expect.stringContaining(
            "promise logic 'unclonable' of machine 'logics': output.dropped is a function",
          ),
        },
      },
    });
    expect(await run('double')).toMatchObject({ threadId: (response as { threadId: number }).threadId });
  });

  it('is only promise logic', async () => {
    for (const src of ['listen', 'tally', 'nothing']) {
      expect(await run(src)).toMatchObject({ kind: 'failed', error: { code: 'MODULE_NOT_LOADED' } });
    }
  });
});

describe('action', () => {
  const common = { kind: 'action', machine: logics, event: { type: 'go' }, context: { n: 1 } } as const;

  it('runs with the committed context', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'quorate-action-')), 'written.json');
    expect(await pool.run({ ...common, name: 'write', params: { path } })).toMatchObject({
      outcome: { status: 'done', output: null },
    });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ context: { n: 1 }, event: { type: 'go' } });
  });

  it.each([
    ['callBack', 'self.send'],
    ['lookUp', 'system.get'],
  ])('that reaches for its actor is told that there is none: %s', async (name, what) => {
    expect(await pool.run({ ...common, name, params: null })).toMatchObject({
      outcome: {
        status: 'error',
        error: {
          code: 'MACHINE_NOT_DURABLE',
          message: expect.stringContaining(`${what} in action '${name}'`),
        },
      },
    });
  });

  it('fails with the code of what it throws, or because it is not there', async () => {
    expect(await pool.run({ ...common, name: 'refuse', params: null })).toMatchObject({
      outcome: { status: 'error', error: { code: 'NO_INK' } },
    });
    expect(await pool.run({ ...common, name: 'gone', params: null })).toMatchObject({
      kind: 'failed',
      error: { code: 'MODULE_NOT_LOADED' },
    });
  });
});

describe('agent', () => {
  it('fails when its export is no function', async () => {
    const request = {
      kind: 'agent',
      module: file,
      export: 'notAMachine',
      input: null,
      key: 'k',
      attempt: 1,
      deadlineAt: 0,
    } as const;
    expect(await pool.run(request)).toMatchObject({ kind: 'failed', error: { code: 'MODULE_NOT_LOADED' } });
  });

  it.each([
    ['agentThatGivesAMap', { code: 'OUTPUT_INVALID', message: /output\.found is a Map/ }],
    ['agentThatThrowsAMap', { code: '-32602', data: { found: {} } }],
    [
      'agentThatIsThrottled',
      {
        data: {
          failure: { kind: 'throttled', retryAfterMs: 7_000, status: 429, code: 'rate_limit_exceeded' },
        },
      },
    ],
  ])('keeps to JSON in what it gives and throws, and to what it says: %s', async (name, error) => {
    const request = {
      kind: 'agent',
      module: file,
      export: name,
      input: null,
      key: 'k',
      attempt: 1,
      deadlineAt: 0,
    } as const;
    const { message = /./, ...rest } = error as { message?: RegExp };
    expect(await pool.run(request)).toMatchObject({
      outcome: { status: 'error', error: { ...rest, message: expect.stringMatching(message) } },
    });
  });
});
