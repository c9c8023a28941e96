import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorLogic } from 'xstate';
import { assign, setup } from 'xstate';
import { runTurns } from '../../../../src/actors/core/run-turns.ts';
import { INERT_LOGIC } from '../../../../src/actors/core/scope.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { GatherOutput, ScatterPlan } from '../../../../src/contract/scatter.ts';
import { SCATTER_LOGIC } from '../../../../src/contract/scatter.ts';
import type { CoreState, Execution, TurnInput } from '../../../../src/contract/turn.ts';
import type { Batch } from './turns.ts';
import { effectsOf, NOW, request, TestActor } from './turns.ts';

const scatter: AnyActorLogic = Object.assign({ ...INERT_LOGIC }, { [SCATTER_LOGIC]: true });

const machine = setup({
  types: { context: {} as { plan: unknown; got: unknown } },
  actors: { scatter },
}).createMachine({
  context: ({ input }) => ({ plan: input, got: null }),
  initial: 'gathering',
  states: {
    gathering: {
      invoke: {
        id: 'all',
        src: 'scatter',
        input: ({ context }: { context: { plan: unknown } }) => context.plan,
        onDone: { target: 'end', actions: assign({ got: ({ event }) => event.output }) },
        onError: { target: 'end', actions: assign({ got: ({ event }) => event.error }) },
      },
      on: { leave: 'end' },
    },
    end: {},
  },
});

const registry = { agents: { lint: { deadlineMs: 10_000 }, style: { deadlineMs: 30_000 } }, machines: {} };

function plan(over: Partial<ScatterPlan> = {}): Json {
  return {
    agents: ['lint'],
    items: ['a', 'b', 'c', 'd'],
    policy: { kind: 'all' },
    collect: 'counts',
    ...over,
  } as unknown as Json;
}

function gathering(over: Partial<ScatterPlan> = {}): { actor: TestActor; batch: Batch } {
  const actor = new TestActor(machine, { registry });
  return { actor, batch: actor.start(plan(over)) };
}

function ok(branch: number, output: Json = { counts: { found: 1 } }): TurnInput {
  return {
    kind: 'reply',
    execution: '1.0',
    branch,
    outcome: { status: 'done', output },
    traceparent: `span-${branch}`,
  };
}

function bad(branch: number): TurnInput {
  const error = { code: 'TASK_FAILED', message: `branch ${branch}` };
  return { kind: 'reply', execution: '1.0', branch, outcome: { status: 'error', error } };
}

describe('a scatter', () => {
  it('is one effect and one deadline timer', () => {
    const { batch, actor } = gathering({ agents: ['lint', 'style'] });
    expect(batch.effects.map(({ effect }) => effect)).toEqual([
      {
        kind: 'scatter',
        execution: '1.0',
        plan: plan({ agents: ['lint', 'style'] }),
        total: 8,
        deadlineAt: NOW + 30_000,
      },
      { kind: 'timer', token: 't1.0', dueAt: NOW + 30_000 },
    ]);
    expect(actor.state?.executions['1.0']).toMatchObject({
      kind: 'scatter',
      childId: 'all',
      gather: { total: 8, ok: 0 },
    });
  });

  it('is complete at once without branches, whatever its policy', () => {
    for (const policy of [
      { kind: 'all' },
      { kind: 'quorum', count: 3 },
      { kind: 'deadline', ms: 5 },
    ] as const) {
      const { actor, batch } = gathering({ items: [], policy });
      expect(batch.effects).toEqual([]);
      expect(actor.context.got).toMatchObject({ outcome: 'all', total: 0, missing: 0 });
    }
  });

  it('that is left is closed; its replies are stale', () => {
    const { actor } = gathering();
    actor.send('leave');
    expect(actor.state?.executions).toEqual({});
    expect(actor.take(ok(0)).verdicts).toMatchObject([{ kind: 'stale' }]);
  });

  it('whose items can not be read ends with that error', () => {
    const { actor } = gathering();
    const error = { code: 'TASK_FAILED', message: 'the items are gone' };
    const { gathers } = actor.take({ kind: 'reply', execution: '1.0', outcome: { status: 'error', error } });
    expect(actor.context.got).toMatchObject(error);
    expect(gathers).toMatchObject([{ outcome: 'failed' }]);
  });
});

describe('policy all', () => {
  it('waits for every branch, well or badly', () => {
    const { actor } = gathering();
    actor.take(ok(0), bad(1), ok(2));
    expect(actor.context.got).toBeNull();
    const { gathers } = actor.take(ok(3));
    expect(actor.context.got).toEqual({
      outcome: 'all',
      total: 4,
      ok: 3,
      failed: 1,
      missing: 0,
      duplicates: 0,
      counts: { found: 3 },
      values: [],
      errors: [{ index: 1, agent: 'lint', error: { code: 'TASK_FAILED', message: 'branch 1' } }],
    });
    expect(gathers).toMatchObject([{ execution: '1.0', childId: 'all', src: 'scatter', outcome: 'all' }]);
    expect(gathers[0]?.gather.links).toEqual(['span-0', 'span-2', 'span-3']);
  });

  it('fails at its deadline, naming what is missing', () => {
    const { actor } = gathering({ deadlineMs: 900 });
    actor.take(ok(0), bad(1));
    const { gathers } = actor.passDeadline();
    expect(actor.context.got).toMatchObject({
      code: 'GATHER_FAILED',
      data: { total: 4, ok: 1, failed: 1, missing: 2, errors: [{ index: 1 }] },
    });
    expect(gathers).toMatchObject([{ outcome: 'failed' }]);
  });
});

describe('policy quorum', () => {
  it('is decided early; what comes later is stale', () => {
    const { actor } = gathering({ policy: { kind: 'quorum', count: 2 } });
    const { verdicts } = actor.take(bad(0), ok(1), ok(2), ok(3));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied', 'stale']);
    expect(actor.context.got).toMatchObject({ outcome: 'quorum', ok: 2, failed: 1, missing: 1 });
  });

  it('fails as soon as it can no longer be met', () => {
    const { actor } = gathering({ policy: { kind: 'quorum', count: 3 } });
    actor.take(bad(0), bad(1));
    expect(actor.context.got).toMatchObject({ code: 'GATHER_FAILED' });
  });
});

describe('policy deadline', () => {
  it('takes the best so far', () => {
    const { actor, batch } = gathering({ policy: { kind: 'deadline', ms: 500 } });
    expect(effectsOf(batch, 'timer')).toMatchObject([{ dueAt: NOW + 500 }]);
    actor.take(ok(2));
    actor.passDeadline();
    expect(actor.context.got).toMatchObject({ outcome: 'deadline', ok: 1, missing: 3 });
  });

  it('needs atLeast so many', () => {
    const { actor } = gathering({ policy: { kind: 'deadline', ms: 500, atLeast: 2 } });
    actor.take(ok(2));
    actor.passDeadline();
    expect(actor.context.got).toMatchObject({ code: 'GATHER_FAILED' });
  });

  it('is over early when every branch has answered', () => {
    const { actor } = gathering({ policy: { kind: 'deadline', ms: 500 } });
    actor.take(ok(0), ok(1), bad(2), ok(3));
    expect(actor.context.got).toMatchObject({ outcome: 'all', ok: 3, failed: 1 });
  });

  it('is bounded by deadlineMs', () => {
    const { batch } = gathering({ policy: { kind: 'deadline', ms: 500 }, deadlineMs: 200 });
    expect(effectsOf(batch, 'timer')).toMatchObject([{ dueAt: NOW + 200 }]);
  });
});

describe('replies', () => {
  it('that come twice are counted and dropped, also across batches', () => {
    const { actor } = gathering();
    expect(actor.take(ok(0), ok(0)).verdicts.map(({ kind }) => kind)).toEqual(['applied', 'stale']);
    actor.take(bad(0));
    actor.take(ok(1), ok(2), ok(3));
    expect(actor.context.got).toMatchObject({ ok: 4, duplicates: 2, counts: { found: 4 } });
  });

  it('of branches that there are not are dropped', () => {
    const { actor } = gathering();
    expect(actor.take(ok(4), ok(-1)).verdicts.map(({ kind }) => kind)).toEqual(['stale', 'stale']);
  });

  it('of lapsed offers are errors', () => {
    const { actor } = gathering();
    actor.take({ ...ok(0), expiresAt: NOW - 1 } as TurnInput, ok(1), ok(2), ok(3));
    expect(actor.context.got).toMatchObject({
      ok: 3,
      failed: 1,
      errors: [{ error: { code: 'OFFER_EXPIRED' } }],
    });
  });

  it('are kept in branch order with collect values', () => {
    const { actor } = gathering({ collect: 'values', agents: ['lint', 'style'], items: ['x', 'y'] });
    actor.take(ok(3, 'y-style'), ok(0, 'x-lint'), ok(2, 'y-lint'), ok(1, 'x-style'));
    expect((actor.context.got as unknown as GatherOutput).values).toEqual([
      { index: 0, agent: 'lint', value: 'x-lint' },
      { index: 1, agent: 'style', value: 'x-style' },
      { index: 2, agent: 'lint', value: 'y-lint' },
      { index: 3, agent: 'style', value: 'y-style' },
    ]);
  });

  it('whose values lie elsewhere are asked for before they are handed out, and nothing is done until they are there', () => {
    const { actor } = gathering({ collect: 'values' });
    const ref = { $payload: 'somewhere', bytes: 9 };
    actor.take(ok(0), { ...ok(1, 'elsewhere'), kept: ref } as TurnInput, ok(2));
    const before = actor.state;
    const asked = actor.take(ok(3));
    expect(asked).toMatchObject({ needs: [ref], verdicts: [], effects: [], state: before });
    const payloads = { somewhere: 'elsewhere' };
    const { verdicts } = runTurns(machine, request({ registry, state: before, inputs: [ok(3)] }));
    expect(verdicts).toEqual([]);
    const done = runTurns(machine, request({ registry, state: before, inputs: [ok(3)], payloads }));
    expect(done.verdicts).toEqual([{ kind: 'applied' }]);
    expect(done.state?.snapshot).toMatchObject({
      context: { got: { values: [{}, { index: 1, agent: 'lint', value: 'elsewhere' }, {}, {}] } },
    });
  });

  it('end the gather that they overflow, with the error that their host has made', () => {
    const { actor } = gathering({ collect: 'values' });
    actor.take(ok(0));
    const error = { code: 'STATE_TOO_LARGE', message: 'too large', data: { answers: [] } };
    const overflow = { execution: '1.0', error };
    const ended = runTurns(machine, request({ registry, state: actor.state, inputs: [ok(1)], overflow }));
    expect(ended.gathers).toMatchObject([{ outcome: 'failed' }]);
    expect(ended.state?.snapshot).toMatchObject({ value: 'end', context: { got: error } });
  });

  it('are given by reference where their host found that they do not fit, in the order of their branches', () => {
    const long = (answer: Json): boolean => answer !== 'no';
    const actor = new TestActor(machine, { registry }, { long });
    const kept = (branch: number, output: Json = 'x'): TurnInput => ({
      ...(ok(branch, output) as Extract<TurnInput, { kind: 'reply' }>),
      kept: { $payload: `at-${branch}`, bytes: 1 },
    });
    actor.start(plan({ collect: 'values', policy: { valid: 'long', atLeast: 1 } }));
    actor.take(kept(2), ok(1, 'small'), kept(0, 'no'));
    const ended = runTurns(
      machine,
      request({ registry, state: actor.state, inputs: [kept(3)], overflow: { execution: '1.0' } }),
      undefined,
      { long },
    );
    expect(ended.gathers).toMatchObject([{ outcome: 'all', byReference: true }]);
    expect(ended.state?.snapshot).toMatchObject({
      context: {
        got: {
          ok: 3,
          values: [{ index: 1, value: 'small' }],
          rejected: [],
          references: [
            { index: 0, ref: { $payload: 'at-0' }, valid: false },
            { index: 2, ref: { $payload: 'at-2' } },
            { index: 3, ref: { $payload: 'at-3' } },
          ],
        },
      },
    });
  });

  it('keep the first 20 errors and the first 100 links', () => {
    const { actor } = gathering({ items: Array.from({ length: 300 }, (_, i) => i) });
    actor.take(...Array.from({ length: 150 }, (_, i) => bad(i)));
    const { gathers } = actor.take(...Array.from({ length: 150 }, (_, i) => ok(150 + i)));
    expect(actor.context.got).toMatchObject({ ok: 150, failed: 150 });
    expect(gathers[0]?.gather.errors).toHaveLength(20);
    expect(gathers[0]?.gather.links).toHaveLength(100);
  });

  it('that decide a gather whose machine throws are taken back whole', () => {
    const throwing = setup({
      types: { context: {} as { plan: unknown } },
      actors: { scatter },
      guards: {
        boom: () => {
          throw new Error('boom');
        },
      },
    }).createMachine({
      context: ({ input }) => ({ plan: input }),
      invoke: {
        id: 'all',
        src: 'scatter',
        input: ({ context }: { context: { plan: unknown } }) => context.plan,
        onDone: { guard: 'boom' },
      },
    });
    const actor = new TestActor(throwing, { registry, stopsAtInternal: true });
    actor.start(plan());
    actor.take(ok(0), ok(1), ok(2));
    const before = actor.state;
    const { verdicts, stoppedBy, gathers, effects } = actor.take(ok(3));
    expect(verdicts).toEqual([]);
    expect(stoppedBy).toMatchObject({ code: 'MACHINE_THREW' });
    expect(gathers).toEqual([]);
    expect(effects).toEqual([]);
    expect(actor.state).toEqual(before);
  });

  it('fold to the same counters in any order and with any repeats', () => {
    const answer = fc.record({ branch: fc.nat(7), good: fc.boolean(), found: fc.nat(9) });
    fc.assert(
      fc.property(
        fc.uniqueArray(answer, { selector: ({ branch }) => branch }),
        fc.infiniteStream(fc.nat()),
        (answers, picks) => {
          const fold = (inputs: TurnInput[]): unknown => {
            const { actor } = gathering({
              items: [0, 1, 2, 3, 4, 5, 6, 7],
              policy: { kind: 'deadline', ms: 9, atLeast: 0 },
            });
            actor.take(...inputs);
            actor.passDeadline();
            const { ok: good, failed, missing, counts, total } = actor.context.got as unknown as GatherOutput;
            return { good, failed, missing, counts, total };
          };
          const inputs = answers.map(({ branch, good, found }) =>
            good ? ok(branch, { counts: { found } }) : bad(branch),
          );
          const numbers = picks[Symbol.iterator]();
          const pick = (below: number): number => Number(numbers.next().value) % below;
          const mixed = inputs
            .map((input) => ({ input, place: pick(1_000) }))
            .toSorted((a, b) => a.place - b.place)
            .map(({ input }) => input);
          const repeats =
            inputs.length === 0 || inputs.length === 8 ? [] : mixed.slice(0, pick(inputs.length));
          expect(fold([...mixed, ...repeats])).toEqual(fold(inputs));
        },
      ),
    );
  });
});

describe('a gather that was written before', () => {
  /** As a session state has it, of a build before the fold moved to machines/. */
  const written = {
    agents: ['lint', 'style'],
    total: 4,
    policy: { kind: 'quorum', count: 3 },
    collect: 'values',
    answered: 'Aw==',
    ok: 1,
    failed: 1,
    duplicates: 2,
    counts: { found: 5 },
    values: [{ index: 0, agent: 'lint', ref: { $payload: 'p', bytes: 3 } }],
    errors: [{ index: 1, agent: 'style', error: { code: 'TASK_FAILED', message: 'no' } }],
    startedAt: NOW - 5_000,
    links: ['span-0'],
  };

  function actorOf(): TestActor {
    const { actor } = gathering({ agents: ['lint', 'style'], items: ['a', 'b'], collect: 'values' });
    const { executions } = actor.state as CoreState;
    actor.state = {
      ...(actor.state as CoreState),
      executions: { '1.0': { ...executions['1.0'], gather: written } as unknown as Execution },
    };
    return actor;
  }

  it('is folded further, and written in the same fields', () => {
    const actor = actorOf();
    const { verdicts } = actor.take(ok(0), ok(1), ok(2));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['stale', 'stale', 'applied']);
    const execution = actor.state?.executions['1.0'];
    expect(execution?.kind === 'scatter' && execution.gather).toEqual({
      ...written,
      answered: 'Bw==',
      ok: 2,
      duplicates: 4,
      counts: { found: 6 },
      values: [...written.values, { index: 2, agent: 'lint', value: { counts: { found: 1 } } }],
      links: ['span-0', 'span-2'],
    });
  });

  it('is decided by what it held and what came', () => {
    const actor = actorOf();
    actor.take(ok(2));
    actor.take(bad(3));
    expect(actor.context.got).toMatchObject({
      code: 'GATHER_FAILED',
      message: "gather 'all': 2 of 4 branches answered well, 2 failed, 0 are missing",
      data: { errors: [{ index: 1 }, { index: 3 }] },
    });
  });
});

describe('the plan', () => {
  it.each<[string, unknown, string]>([
    ['nothing', null, 'INPUT_INVALID'],
    ['no agents', plan({ agents: [] }), 'INPUT_INVALID'],
    ['an unknown agent', plan({ agents: ['nobody'] }), 'AGENT_NOT_FOUND'],
    ['a typing error', plan({ polcy: 1 } as never), 'INPUT_INVALID'],
    ['a reference without count', plan({ items: { $payload: 'p', bytes: 3 } }), 'INPUT_INVALID'],
    ['a quorum beyond the total', plan({ policy: { kind: 'quorum', count: 5 } }), 'INPUT_INVALID'],
    ['atLeast beyond the total', plan({ policy: { kind: 'deadline', ms: 1, atLeast: 5 } }), 'INPUT_INVALID'],
    [
      'too many values',
      plan({ items: { $payload: 'p', bytes: 3, count: 257 }, collect: 'values' }),
      'INPUT_INVALID',
    ],
    ['too many branches', plan({ items: { $payload: 'p', bytes: 3, count: 200_001 } }), 'INPUT_INVALID'],
  ])('with %s is refused', (_name, input, code) => {
    const actor = new TestActor(machine, { registry });
    expect(actor.start(input as Json).verdicts).toMatchObject([{ kind: 'rejected', error: { code } }]);
  });

  it('says what to do about too many values', () => {
    const actor = new TestActor(machine, { registry });
    const many = plan({ items: { $payload: 'p', bytes: 3, count: 300 }, collect: 'values' });
    expect(actor.start(many).verdicts).toMatchObject([
      { error: { message: expect.stringContaining("use 'counts'") } },
    ]);
  });

  it('by reference fixes its total without reading it', () => {
    const { batch } = gathering({
      items: { $payload: 'p', bytes: 3, count: 1_000 },
      agents: ['lint', 'style'],
    });
    expect(effectsOf(batch, 'scatter')).toMatchObject([{ total: 2_000 }]);
  });
});

describe('a policy as a record', () => {
  const long = (answer: Json): boolean => typeof answer === 'string' && answer.length > 3;
  const among = (answer: Json, shared: Json): boolean => (shared as Json[]).includes(answer);
  const judging = (over: Partial<ScatterPlan>, exports: Record<string, unknown> = { long, among }) => {
    const actor = new TestActor(machine, { registry }, exports);
    return { actor, batch: actor.start(plan({ collect: 'values', ...over })), exports };
  };

  it('is written as former builds know it where they can decide by it', () => {
    const policyOf = (policy: ScatterPlan['policy']): unknown => {
      const execution = judging({ policy }).actor.state?.executions['1.0'];
      return execution?.kind === 'scatter' ? execution.gather.policy : undefined;
    };
    expect(policyOf({})).toEqual({ kind: 'all' });
    expect(policyOf({ good: 2 })).toEqual({ kind: 'quorum', count: 2 });
    expect(policyOf({ afterMs: 9, atLeast: 0 })).toEqual({ kind: 'deadline', ms: 9, atLeast: 0 });
    expect(policyOf({ good: 2, afterMs: 9 })).toEqual({ good: 2, afterMs: 9 });
    expect(policyOf({ good: 2, valid: 'long' })).toEqual({ good: 2, valid: 'long' });
    const counted = { valid: { by: 'long', count: 2 } };
    expect(policyOf(counted)).toEqual(counted);
  });

  it('takes what `valid` says yes to, given the answer and what all share', () => {
    const { actor } = judging({ policy: { good: 2, valid: 'among' }, shared: ['yes', 'yeah'] });
    actor.take(ok(0, 'no'), ok(2, 'yeah'), bad(1), ok(3, 'yes'));
    expect(actor.context.got).toMatchObject({
      outcome: 'quorum',
      ok: 2,
      failed: 1,
      invalid: 1,
      missing: 0,
      values: [
        { index: 2, value: 'yeah' },
        { index: 3, value: 'yes' },
      ],
      rejected: [{ index: 0, value: 'no' }],
    });
  });

  it('ends at so many that ended well, or so many that `valid` said yes to, whichever comes first', () => {
    const policy = { good: 3, valid: { by: 'long', count: 2 } };
    const first = judging({ policy }).actor;
    first.take(ok(0, 'no'), bad(1), ok(2, 'good enough'));
    expect(first.value).toBe('gathering');
    first.take(ok(3, 'very good'));
    expect(first.context.got).toMatchObject({ outcome: 'valid', ok: 2, failed: 1, invalid: 1 });
    const second = judging({ policy }).actor;
    second.take(ok(0, 'no'), ok(1, 'no'), ok(2, 'good enough'), ok(3, 'very good'));
    expect(second.context.got).toMatchObject({ outcome: 'quorum', ok: 1, invalid: 2, missing: 1 });
  });

  it('has no winner in a branch that fails fast, nor in an answer that is not valid', () => {
    const { actor } = judging({ policy: { good: 1, valid: 'long' } });
    actor.take(bad(3), bad(2), ok(1, 'no'));
    expect(actor.value).toBe('gathering');
    actor.take(ok(0, 'good enough'));
    expect(actor.context.got).toMatchObject({ outcome: 'quorum', ok: 1, failed: 2, invalid: 1 });
  });

  it.each<[string, Record<string, unknown>]>([
    ['no such export', {}],
    ['an export that is no function', { long: true }],
    ['only what every object has', Object.create({ long })],
  ])('fails at its plan with %s', (_name, exports) => {
    const { batch } = judging({ policy: { good: 1, valid: 'long' } }, exports);
    const message =
      "input of scatter 'all': policy.valid: the module of the machine exports no function 'long'";
    expect(batch.verdicts).toMatchObject([{ kind: 'rejected', error: { code: 'INPUT_INVALID', message } }]);
  });

  it('waits for a fix when the function is gone from a later version, and loses no answer', () => {
    const { actor } = judging({ policy: { good: 1, valid: 'long' } });
    const again = runTurns(machine, request({ registry, state: actor.state, inputs: [ok(0, 'an answer')] }));
    expect(again.verdicts).toMatchObject([{ kind: 'rejected', error: { code: 'STATE_INCOMPATIBLE' } }]);
    actor.take(ok(0, 'an answer'));
    expect(actor.context.got).toMatchObject({ ok: 1 });
  });

  it('cannot change what is kept by changing what it looks at', () => {
    const grab = (answer: { list: number[] }): boolean => answer.list.pop() === 1;
    const { actor } = judging({ policy: { answered: 2, valid: 'grab' } }, { grab });
    actor.take(ok(0, { list: [1] }), ok(1, { list: [2] }));
    expect(actor.context.got).toMatchObject({
      outcome: 'answered',
      values: [{ value: { list: [1] } }],
      rejected: [{ value: { list: [2] } }],
    });
  });

  it('says in its error what was answered, also what was not valid', () => {
    const { actor } = judging({ policy: { good: 3, valid: 'long' } });
    actor.take(ok(2, 'no'), ok(1, 'good enough'), bad(0));
    expect(actor.context.got).toMatchObject({
      code: 'GATHER_FAILED',
      message: "gather 'all': 1 of 4 branches answered well, 1 failed, 1 were not valid, 1 are missing",
      data: {
        invalid: 1,
        answers: [
          { branch: 1, agent: 'lint', value: 'good enough' },
          { branch: 2, agent: 'lint', value: 'no', valid: false },
        ],
      },
    });
  });

  it('has its host store a list of answers that is long, and does nothing until it has', () => {
    const { actor } = judging({ policy: { good: 4 } });
    actor.take(ok(0, 'x'.repeat(20_000)), ok(1, 'y'.repeat(20_000)));
    const before = actor.state;
    const asked = actor.take(bad(2));
    expect(asked).toMatchObject({ stow: { execution: '1.0' }, verdicts: [], effects: [], state: before });
    expect(asked.stow?.answers).toHaveLength(2);
    const ref = { $payload: 'somewhere', bytes: 40_000 };
    const stowed = { '1.0': ref };
    const done = runTurns(machine, request({ registry, state: before, inputs: [bad(2)], stowed }));
    expect(done.state?.snapshot).toMatchObject({ context: { got: { data: { ok: 2, answers: ref } } } });
  });

  it('keeps its answers with an actor that is stopped, and not with one that is done', () => {
    const { actor } = judging({ policy: { good: 4 } });
    actor.take(ok(0, 'paid'));
    actor.take({ kind: 'stop' });
    expect(actor.state?.cut).toMatchObject([
      { childId: 'all', gather: { ok: 1, values: [{ value: 'paid' }] } },
    ]);
    // Whatever comes to it later.
    actor.take({ kind: 'await', asker: { entity: 'replies', sessionId: 'c', correlationId: 'c' } });
    expect(actor.state?.cut).toHaveLength(1);
    const left = judging({ policy: { good: 4 } }).actor;
    left.take(ok(0, 'paid'));
    left.send('leave');
    expect(left.state?.cut).toBeUndefined();
  });
});

describe('a scatter over a topic', () => {
  const topics = { reviews: { eu: 'lint', us: 'style' } };
  const start = (over: Partial<ScatterPlan>) => {
    const actor = new TestActor(machine, { registry: { ...registry, topics } });
    return {
      actor,
      batch: actor.start(plan({ topic: 'reviews', agents: ['us', 'eu'], items: [1, 2], ...over })),
    };
  };

  it('has the subscriptions for branches, and the deadline of their agents', () => {
    const { actor, batch } = start({});
    expect(effectsOf(batch, 'scatter')).toMatchObject([
      { total: 4, deadlineAt: NOW + 30_000, plan: { topic: 'reviews' } },
    ]);
    actor.take(ok(0), bad(1), ok(2), ok(3));
    expect(actor.context.got).toMatchObject({ ok: 3, errors: [{ index: 1, agent: 'eu' }] });
  });

  it.each<[Partial<ScatterPlan>, string]>([
    [{ topic: 'toString' }, "scatter names topic 'toString', and none of that name is configured"],
    [
      { agents: ['eu', 'lint'] },
      "scatter names subscription 'lint' of topic 'reviews', and it has none of that name",
    ],
    [{ agents: ['eu', 'eu'] }, "scatter names subscription 'eu' of topic 'reviews', and names it twice"],
    [{ topic: '' }, "input of scatter 'all': topic: must be the name of a topic"],
  ])('is refused for %j', (over, message) => {
    expect(start(over).batch.verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'INPUT_INVALID', message } },
    ]);
  });
});

describe('a wide gather', () => {
  it('of 10,000 branches is decided in the batch in which its record says so, whatever comes twice and out of order', () => {
    const items = Array.from({ length: 10_000 }, (_, n) => n);
    const even = (answer: Json): boolean => (answer as { counts: { n: number } }).counts.n % 2 === 0;
    const actor = new TestActor(machine, { registry }, { even });
    actor.start(plan({ items, policy: { good: 3_000, answered: 9_000, valid: 'even', atLeast: 2_000 } }));
    const order = items.map((n) => (n * 7_919) % 10_000);
    let taken = 0;
    while (actor.value === 'gathering') {
      const batch = order.slice(taken, taken + 500);
      actor.take(
        ...batch.map((n) => (n % 10 === 0 ? bad(n) : ok(n, { counts: { n } }))),
        ...batch.slice(0, 5).map((n) => ok(n)),
      );
      taken += 500;
    }
    // Of ten, one fails, four are even, five are not.
    expect(taken).toBe(7_500);
    expect(actor.context.got).toMatchObject({ outcome: 'quorum', ok: 3_000, duplicates: 70 });
    const { total, ok: good, failed, invalid = 0, missing } = actor.context.got as unknown as GatherOutput;
    expect(good + failed + invalid + missing).toBe(total);
  });

  it('that fails where nobody handles it ends its actor in the error that has the answers', () => {
    const bare = setup({ actors: { scatter } }).createMachine({
      invoke: {
        id: 'all',
        src: 'scatter',
        input: () => plan({ collect: 'values', policy: { good: 4 } }) as never,
      },
    });
    const actor = new TestActor(bare, { registry });
    actor.start();
    actor.take(ok(0, 'paid'), bad(1));
    expect(actor.state).toMatchObject({
      status: 'error',
      error: { code: 'GATHER_FAILED', data: { answers: [{ value: 'paid' }] } },
    });
  });
});
