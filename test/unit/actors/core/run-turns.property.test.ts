// A batch is no unit of meaning: cut anywhere, with the state going through JSON in between, it gives the same state, the
// same effects with the same turn numbers, and the same verdicts. And the same inputs always give the same bytes (I6).
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, emit, raise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { runTurns } from '../../../../src/actors/core/run-turns.ts';
import { INERT_LOGIC } from '../../../../src/actors/core/scope.ts';
import { SCATTER_LOGIC } from '../../../../src/contract/scatter.ts';
import type { CoreState, TurnInput } from '../../../../src/contract/turn.ts';
import { holdings, NOTHING, NOW, request, throughJson } from './turns.ts';

const busy = setup({
  types: {
    context: {} as { count: number; log: unknown[] },
    events: {} as {
      type: 'add' | 'ask' | 'boom' | 'self' | 'leave' | 'back' | 'spawn' | 'unspawn' | 'later' | 'end';
    },
  },
  actors: {
    scatter: Object.assign({ ...INERT_LOGIC }, { [SCATTER_LOGIC]: true }),
    model: INERT_LOGIC,
    printer: INERT_LOGIC,
  },
  guards: {
    boom: () => {
      throw new Error('boom');
    },
  },
  actions: { note: () => {} },
}).createMachine({
  context: { count: 0, log: [] },
  initial: 'working',
  output: ({ context }) => context.count,
  on: {
    add: {
      actions: [assign({ count: ({ context }) => context.count + 1 }), emit({ type: 'added' }), 'note'],
    },
    boom: { guard: 'boom' },
    self: { actions: sendTo(({ self }) => self, { type: 'add' }) },
    spawn: { actions: [spawnChild('model', { id: 'extra' }), spawnChild('model')] },
    unspawn: { actions: stopChild('extra') },
    later: { actions: raise({ type: 'add' }, { delay: 100, id: 'later' }) },
    end: '.ended',
    '*': { actions: assign({ log: ({ context, event }) => [...context.log, event] }) },
  },
  states: {
    working: {
      invoke: [
        { id: 'ask', src: 'model', systemId: 'asker', onError: {} },
        { id: 'print', src: 'printer', onError: {} },
        {
          id: 'all',
          src: 'scatter',
          input: {
            agents: ['model'],
            items: [1, 2, 3],
            policy: { kind: 'quorum', count: 2 },
            collect: 'values',
          },
          onError: {},
        },
      ],
      after: { 5_000: 'resting' },
      on: { leave: 'resting' },
    },
    resting: { on: { back: 'working' } },
    ended: { type: 'final' },
  },
});

const registry = { agents: { model: { deadlineMs: 900 } }, machines: { printer: true } } as const;

const execution = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(3)).map(([turn, n]) => `${turn}.${n}`);
const input: fc.Arbitrary<TurnInput> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<TurnInput>({ kind: 'start', input: null }) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom('add', 'boom', 'self', 'leave', 'back', 'spawn', 'unspawn', 'later', 'other', 'xstate.x')
      .map((type): TurnInput => ({ kind: 'event', event: { type } })),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reply' as const),
      execution,
      branch: fc.option(fc.nat(3), { nil: 0 }),
      outcome: fc.oneof(
        fc.nat(9).map((output) => ({ status: 'done' as const, output })),
        fc.constant({ status: 'error' as const, error: { code: 'NO', message: 'no' } }),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('partial' as const),
      execution,
      seq: fc.nat(2),
      value: fc.nat(9),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 8 }), fc.nat(3))
      .map(([turn, n]): TurnInput => ({ kind: 'timer', token: `t${turn}.${n}` })),
  },
  {
    weight: 1,
    arbitrary: fc.nat(2).map(
      (n): TurnInput => ({
        kind: 'await',
        asker: { entity: 'replies', sessionId: 'c', correlationId: `r${n}` },
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<TurnInput>({ kind: 'stop' }, { kind: 'event', event: { type: 'end' } }),
  },
);

function run(state: CoreState | null, inputs: readonly TurnInput[]) {
  const given = request({ state, inputs, registry, now: NOW });
  const before = throughJson(given);
  const result = runTurns(busy, given);
  expect(given, 'a turn changes nothing of what it was given').toEqual(before);
  expect(throughJson(result), 'a result is JSON').toEqual(result);
  return throughJson(result);
}

describe('runTurns', () => {
  it('gives the same however a batch is cut', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 24 }), fc.array(fc.nat(24)), (rest, cuts) => {
        const inputs: TurnInput[] = [{ kind: 'start', input: null }, ...rest];
        const whole = run(null, inputs);
        const edges = [...new Set([0, ...cuts.filter((cut) => cut < inputs.length), inputs.length])].toSorted(
          (a, b) => a - b,
        );
        let state: CoreState | null = null;
        const parts = edges.slice(1).map((end, i) => {
          const part = run(state, inputs.slice(edges[i], end));
          state = part.state;
          return part;
        });
        expect(state).toEqual(whole.state);
        for (const key of ['effects', 'verdicts', 'gathers', 'steps'] as const) {
          expect(parts.flatMap((part) => part[key] as unknown[])).toEqual(whole[key]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same bytes for the same inputs', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 24 }), (rest) => {
        const inputs: TurnInput[] = [{ kind: 'start', input: null }, ...rest];
        expect(JSON.stringify(run(null, inputs))).toBe(JSON.stringify(run(null, inputs)));
      }),
    );
  });

  it('leaves no deadline unwatched (I11), and nothing after the end', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 24 }), (rest) => {
        const { state } = run(null, [{ kind: 'start', input: null }, ...rest]);
        const timers = Object.values(state?.timers ?? {});
        const watches = timers.filter(({ what }) => what.kind === 'deadlines');
        expect(watches.length).toBeLessThanOrEqual(1);
        for (const [id, { kind, deadlineAt }] of Object.entries(state?.executions ?? {})) {
          expect(deadlineAt === undefined).toBe(kind === 'child');
          if (deadlineAt === undefined) continue;
          const isTold = timers.some(({ what }) => what.kind === 'deadline' && what.execution === id);
          expect(isTold || watches.some(({ dueAt }) => dueAt <= deadlineAt)).toBe(true);
        }
        if (state?.status !== 'active') expect(holdings(state)).toEqual(NOTHING);
      }),
      { numRuns: 300 },
    );
  });
});
