// The guard in a real worker thread: I6 is about threads, and installing it here would guard the test itself.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkerPool } from '../../../../src/actors/pool/pool.ts';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import type { CoreState } from '../../../../src/contract/turn.ts';
import { names } from '../../../fixtures/machines/impure.ts';
import { contextOf, event, NOW, refOf, runTurn } from './harness.ts';

const impure = refOf('impure', 'impure');
let pool: WorkerPool;
let state: CoreState | null;

beforeAll(async () => {
  pool = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 });
  state = (await runTurn(pool, impure)).state;
});
afterAll(() => pool.close());

describe('inside a turn', () => {
  it.each(names)('%s is refused with IMPURE_TURN, in an assign and in a guard', async (what) => {
    const { verdicts } = await runTurn(pool, impure, {
      state,
      inputs: [event('do', { what }), event('guard', { what })],
    });
    expect(verdicts).toHaveLength(2);
    for (const verdict of verdicts) {
      expect(verdict).toMatchObject({ kind: 'rejected', error: { code: 'IMPURE_TURN' } });
    }
  });

  it('one offence does not taint the next input', async () => {
    const inputs = [event('do', { what: 'fetch' }), event('get', { what: 'console' })];
    const result = await runTurn(pool, impure, { state, inputs });
    expect(result.verdicts.map(({ kind }) => kind)).toEqual(['rejected', 'applied']);
    expect(contextOf(result.state)).toEqual({ value: 'talked' });
  });

  it('the clock stands at the turn’s now', async () => {
    const result = await runTurn(pool, impure, { state, inputs: [event('get', { what: 'clock' })] });
    expect(contextOf(result.state).value).toEqual({
      now: NOW,
      captured: NOW,
      fresh: NOW,
      text: true,
      given: 5,
      isDate: true,
      made: NOW,
      intl: true,
      intlYear: '2023',
      performance: NOW,
      origin: 0,
      hrtime: `${NOW}000000`,
      hrtimePair: [NOW / 1_000, 0],
    });
  });

  it('randomness follows from actor, incarnation and turn', async () => {
    const draw = async (over: Parameters<typeof runTurn>[2] = {}) =>
      contextOf(
        (await runTurn(pool, impure, { state, inputs: [event('get', { what: 'random' })], ...over })).state,
      ).value;
    const first = (await draw()) as Record<string, unknown>;
    expect(await draw()).toEqual(first);
    expect(first.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first.nodeUuid).not.toBe(first.uuid);
    expect(first.float).not.toBe(first.second);
    expect(await draw({ address: { type: 'impure', id: 'a-2' } })).not.toEqual(first);
    expect(await draw({ state: { ...(state as CoreState), incarnation: 'life-2' } })).not.toEqual(first);
    // The second turn of a batch draws what it draws when it is the first of the next.
    const get = event('get', { what: 'random' });
    const one = await runTurn(pool, impure, { state, inputs: [get] });
    const two = await runTurn(pool, impure, { state: one.state, inputs: [get] });
    const both = await runTurn(pool, impure, { state, inputs: [get, get] });
    expect(contextOf(both.state)).toEqual(contextOf(two.state));
    expect(contextOf(two.state)).not.toEqual(contextOf(one.state));
  });
});

describe('outside turns', () => {
  it('the same thread has its clock, files and timers back', async () => {
    const { module } = refOf('logics', 'logics');
    const response = await pool.run({
      kind: 'agent',
      module,
      export: 'square',
      input: { n: 3 },
      key: 'k',
      attempt: 2,
      deadlineAt: 0,
    });
    expect(response).toMatchObject({ outcome: { output: { squared: 9, key: 'k', attempt: 2, here: true } } });
    const promise = await pool.run({
      kind: 'promise',
      machine: refOf('logics', 'logics'),
      src: 'double',
      input: { n: 4 },
    });
    expect(promise).toMatchObject({ outcome: { output: { doubled: 8, outside: true } } });
  });
});
