// What can not be durable is refused when its machine is described, as at registration: with a code, the machine, the place,
// and what to write instead. docs/machines.md lists the same.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkerPool } from '../../../../src/actors/pool/pool.ts';
import { ERROR_HINTS } from '../../../../src/contract/errors.ts';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import { moduleOf } from './harness.ts';

let pool: WorkerPool;

beforeAll(() => {
  pool = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 });
});
afterAll(() => pool.close());

function describeIt(name: string) {
  const machine = { type: 'order', module: moduleOf('refused'), export: name, version: '1', path: [] };
  return pool.run({ kind: 'describe', machine });
}

describe('refused as it is', () => {
  it.each([
    [
      'inlineEntry',
      "entry of state 'a.b' of machine 'order': inline action 'shout'",
      'setup({ actions: { name } })',
    ],
    [
      'inlineTransition',
      "transition on 'go' in state 'a' of machine 'order': inline action",
      'setup({ actions',
    ],
    ['inlineDone', "'xstate.done.actor.x' in state 'a' of machine 'order': inline action", 'setup({ actions'],
    [
      'inlineInvoke',
      "invoke 'job' in state 'a' of machine 'order': inline logic",
      'setup({ actors: { name } })',
    ],
    ['inlineChild', "spawnChild in transition on 'go' in state '(root)' of machine 'order'", "src: 'name'"],
    [
      'spawnInAssign',
      "assign in transition on 'go' in state 'a' of machine 'order', 'ref': spawn()",
      'spawnChild(',
    ],
    ['spawnInWhole', "assign in entry of state '(root)' of machine 'order': spawn()", 'spawnChild('],
    ['spawnInName', "assign in action 'begin' of machine 'order', 'ref': spawn()", 'spawnChild('],
    ['spawnInContext', "context of machine 'order': spawn()", 'spawnChild('],
    [
      'enqueuedInline',
      "enqueueActions in transition on 'go' in state 'a' of machine 'order': inline action",
      'setup({ actions',
    ],
    [
      'enqueuedChild',
      "spawnChild in enqueueActions in entry of state '(root)' of machine 'order'",
      'setup({ actors',
    ],
    [
      'enqueuedSpawn',
      "assign in enqueueActions in exit of state '(root)' of machine 'order', 'ref'",
      'spawnChild(',
    ],
    ['dateInContext', "machine 'order': context.since.first is a Date", 'toISOString()'],
  ])('%s', async (name, place, instead) => {
    const response = await describeIt(name);
    expect(response).toMatchObject({ kind: 'failed', error: { code: 'MACHINE_NOT_DURABLE' } });
    const { message } = (response as { error: { message: string } }).error;
    expect(message).toContain(place);
    expect(message).toContain(instead);
  });
});

describe('refused unless an agent or a machine of that name is registered', () => {
  it.each([
    [
      'callback',
      'MACHINE_NOT_DURABLE',
      "invoke in state 'a' of machine 'order': 'listen' is callback logic",
      "agent 'listen'",
    ],
    [
      'observable',
      'MACHINE_NOT_DURABLE',
      "spawnChild in entry of state '(root)' of machine 'order': 'ticks' is observable",
      "agent 'ticks'",
    ],
    [
      'eventObservable',
      'MACHINE_NOT_DURABLE',
      "invoke 'c' in state 'a.b' of machine 'order': 'clicks' is observable",
      'fromPromise',
    ],
    [
      'reducer',
      'MACHINE_NOT_DURABLE',
      "invoke in state '(root)' of machine 'order': 'count' is transition logic",
      'as a machine',
    ],
    [
      'placeholder',
      'AGENT_NOT_FOUND',
      "invoke in state '(root)' of machine 'order': 'model' is agent()",
      '`agents`',
    ],
    [
      'nobody',
      'AGENT_NOT_FOUND',
      "invoke in state 'a' of machine 'order': nothing is called 'ghost'",
      'fromPromise',
    ],
  ])('%s', async (name, code, place, instead) => {
    const response = await describeIt(name);
    expect(response).toMatchObject({
      kind: 'described',
      description: { sources: [{ kind: 'unresolved', error: { code } }] },
    });
    const [source] = response.kind === 'described' ? response.description.sources : [];
    const { message } = (source as { error: { message: string } }).error;
    expect(message).toContain(place);
    expect(message).toContain(instead);
  });
});

it('docs/machines.md knows no code that errors do not have', async () => {
  const page = await readFile(new URL('../../../../docs/machines.md', import.meta.url), 'utf8');
  const codes = new Set([...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code));
  expect(Object.keys(ERROR_HINTS)).toEqual(expect.arrayContaining([...codes]));
  expect(codes.size).toBeGreaterThan(5);
});

it('what only looks like it is taken', async () => {
  expect(await describeIt('harmless')).toMatchObject({
    kind: 'described',
    description: { machine: { type: 'order' } },
  });
});
