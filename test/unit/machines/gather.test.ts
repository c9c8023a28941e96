// What the fold decides, and that Quorate and createActor decide alike: one machine, the same answers in the same order, in
// Quorate in batches that are cut anywhere and with answers that come twice.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createActor, SimulatedClock, setup } from 'xstate';
import type { Json } from '../../../src/contract/json.ts';
import type { Outcome } from '../../../src/contract/outcome.ts';
import type { BranchValue, GatherOutput, GatherPolicy, ScatterPlan } from '../../../src/contract/scatter.ts';
import type { TurnInput } from '../../../src/contract/turn.ts';
import {
  add,
  addDuplicate,
  begin,
  decide,
  decideAtTimeUp,
  type Gathering,
  toOutput,
} from '../../../src/machines/gather.ts';
import { all, deadline, quorum } from '../../../src/machines/policies.ts';
import { scatter } from '../../../src/machines/scatter.ts';
import { TestActor } from '../actors/core/turns.ts';
import { coded } from './kit.ts';

const TIME_MS = 1_000;
const AGENTS = ['a', 'b', 'c'] as const;

interface Answer {
  readonly branch: number;
  readonly outcome: Outcome;
}

interface Drawn {
  readonly plan: ScatterPlan;
  readonly total: number;
  /** Of each branch one, in the order of arrival; those of some branches never come. */
  readonly answers: readonly Answer[];
  /** Behind each answer: a second one of a branch that has answered, if any. */
  readonly again: readonly (Answer | null)[];
  /** In how many messages each batch is cut. */
  readonly cuts: readonly number[];
  readonly timePasses: boolean;
}

const policies: fc.Arbitrary<GatherPolicy> = fc.oneof(
  fc.constant(all()),
  fc.integer({ min: 1, max: 9 }).map((count) => quorum(count)),
  fc.integer({ min: 0, max: 9 }).map((atLeast) => deadline(TIME_MS, { atLeast })),
  fc.constant(deadline(TIME_MS)),
);

/** Names that every object has, and the one that assignment does not write. */
const keys = fc.constantFrom('lines', 'found', 'toString', 'constructor', '__proto__');

const outputs: fc.Arbitrary<Json> = fc.oneof(
  fc
    .uniqueArray(fc.tuple(keys, fc.integer({ min: 0, max: 9 })), { selector: ([key]) => key, maxLength: 3 })
    .map((counts): Json => ({ counts: Object.fromEntries(counts) })),
  fc.constantFrom<Json>(
    null,
    7,
    'text',
    [1, 2],
    { counts: null },
    { counts: 'none' },
    { counts: { lines: 'x' } },
  ),
);

const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 2, arbitrary: outputs.map((output): Outcome => ({ status: 'done', output })) },
  {
    weight: 1,
    arbitrary: fc.constant<Outcome>({
      status: 'error',
      error: { code: 'BAD', message: 'bad', name: 'Error' },
    }),
  },
);

const drawn: fc.Arbitrary<Drawn> = fc
  .record({ agents: fc.integer({ min: 1, max: 3 }), items: fc.integer({ min: 0, max: 3 }) })
  .chain(({ agents, items }) => {
    const total = agents * items;
    const branches = Array.from({ length: total }, (_, at) => at);
    const perBranch = { minLength: total, maxLength: total };
    return fc
      .record({
        policy: policies,
        collect: fc.constantFrom('values' as const, 'counts' as const),
        order: fc.shuffledSubarray(branches),
        first: fc.array(outcomes, perBranch),
        second: fc.array(fc.option(fc.tuple(fc.nat(), outcomes)), perBranch),
        cuts: fc.array(fc.integer({ min: 1, max: 4 }), {
          minLength: total * 2 + 1,
          maxLength: total * 2 + 1,
        }),
        timePasses: fc.boolean(),
      })
      .map(
        ({ policy, collect, order, first, second, cuts, timePasses }): Drawn => ({
          plan: {
            agents: AGENTS.slice(0, agents),
            items: branches.slice(0, items),
            policy,
            collect,
            deadlineMs: TIME_MS,
          },
          total,
          answers: order.map((branch) => ({ branch, outcome: first[branch] as Outcome })),
          again: order.map((_, at) => {
            const [pick, outcome] = second[at] ?? [0, null];
            return outcome === null ? null : { branch: order[pick % (at + 1)] as number, outcome };
          }),
          cuts,
          timePasses,
        }),
      );
  });

const machine = setup({
  types: { context: {} as { plan: ScatterPlan; got: unknown }, input: {} as ScatterPlan },
  actors: { scatter: scatter() },
}).createMachine({
  context: ({ input }) => ({ plan: input, got: null }),
  initial: 'gathering',
  states: {
    gathering: {
      invoke: {
        id: 'all',
        src: 'scatter',
        input: ({ context }) => context.plan,
        onDone: { target: 'end', actions: assign({ got: ({ event }) => event.output }) },
        onError: { target: 'end', actions: assign({ got: ({ event }) => event.error }) },
      },
    },
    end: {},
  },
});

const registry = {
  agents: Object.fromEntries(AGENTS.map((name) => [name, { deadlineMs: TIME_MS }])),
  machines: {},
};

/** What the machine was told, as far as both forms can know it. */
function told(got: unknown): unknown {
  if (got === null) return null;
  const { code, message, data } = got as { code?: string; message: string; data?: Json };
  // Quorate says which gather it was, and counts what comes twice.
  if (code !== undefined) return { code, message: message.replace(/^gather 'all': /, ''), data };
  return { ...(got as GatherOutput), duplicates: 0 };
}

function inQuorate({ plan, answers, again, cuts, timePasses }: Drawn): unknown {
  const actor = new TestActor(machine, { registry });
  const [started] = actor.start(plan as unknown as Json).verdicts;
  if (started?.kind === 'rejected') return { refused: started.error.code };
  const inputs = answers
    .flatMap((answer, at) => [answer, again[at] ?? []].flat())
    .map(({ branch, outcome }): TurnInput => ({ kind: 'reply', execution: '1.0', branch, outcome }));
  for (const cut of cuts) actor.take(...inputs.splice(0, cut));
  if (timePasses) actor.passDeadline();
  return told(actor.context['got']);
}

async function underCreateActor({ plan, total, answers, timePasses }: Drawn): Promise<unknown> {
  const pending = Array.from({ length: total }, () => Promise.withResolvers<unknown>());
  // Those of a plan that is refused are never asked for.
  for (const { promise } of pending) promise.catch(() => {});
  const agents = plan.agents.map((name, offset) => [
    name,
    ({ item }: { item: number }) => pending[item * plan.agents.length + offset]?.promise,
  ]);
  const clock = new SimulatedClock();
  const local = machine.provide({ actors: { scatter: scatter({ agents: Object.fromEntries(agents) }) } });
  const actor = createActor(local, { clock, input: plan }).start();
  await new Promise(setImmediate);
  for (const { branch, outcome } of answers) {
    if (outcome.status === 'done') pending[branch]?.resolve(outcome.output);
    else pending[branch]?.reject(coded('BAD', 'bad'));
    await new Promise(setImmediate);
  }
  if (timePasses) clock.increment(TIME_MS);
  await new Promise(setImmediate);
  const { got } = actor.getSnapshot().context;
  actor.stop();
  const { code } = (got ?? {}) as { code?: string };
  return code === 'INPUT_INVALID' ? { refused: code } : told(got);
}

const GOOD: Outcome = { status: 'done', output: { counts: { n: 1 } } };
const BAD: Outcome = { status: 'error', error: { code: 'BAD', message: 'bad' } };

function planOf(policy: GatherPolicy, branches = 4, collect: ScatterPlan['collect'] = 'values'): ScatterPlan {
  return { agents: ['a', 'b'], items: Array.from({ length: branches / 2 }, () => 0), policy, collect };
}

describe('a gather of four branches', () => {
  it.each<[string, GatherPolicy, string, string, string]>([
    // After each answer, `+` good or `-` bad, one letter: undecided, done, failed. Then what it is when its time is up.
    ['all', all(), '++++', 'uuud', 'failed'],
    ['all, whatever the answers', all(), '----', 'uuud', 'failed'],
    ['a quorum as soon as it is met', quorum(2), '-++', 'uud', 'failed'],
    ['a quorum until it cannot be met any more', quorum(3), '+--', 'uuf', 'failed'],
    ['a quorum of all', quorum(4), '++++', 'uuud', 'failed'],
    ['a quorum of one, of which one is left', quorum(1), '---+', 'uuud', 'failed'],
    ['a deadline that every branch keeps', deadline(9), '+-++', 'uuud', 'deadline'],
    ['a deadline without a good answer', deadline(9), '----', 'uuuf', 'failed'],
    ['a deadline that nobody need keep', deadline(9, { atLeast: 0 }), '----', 'uuud', 'deadline'],
    ['a deadline with enough', deadline(9, { atLeast: 2 }), '++', 'uu', 'deadline'],
    ['a deadline with too few', deadline(9, { atLeast: 2 }), '+-', 'uu', 'failed'],
  ])('waits for %s', (_name, policy, answers, decisions, atTimeUp) => {
    let state = begin(planOf(policy));
    const seen = answers.split('').map((answer, index) => {
      state = add(state, index, answer === '+' ? GOOD : BAD);
      return decide(state).kind[0];
    });
    expect(seen.join('')).toBe(decisions);
    const last = decideAtTimeUp(state);
    expect(last.kind === 'done' ? last.outcome : last.kind).toBe(atTimeUp);
  });

  it('leaves each state as it was', () => {
    const states = [begin(planOf(all()))];
    for (const [index, outcome] of [GOOD, BAD, GOOD].entries())
      states.push(add(states.at(-1) as Gathering, index, outcome));
    states.push(addDuplicate(states.at(-1) as Gathering));
    expect(
      states.map(({ ok, failed, duplicates, values, errors }) => [
        ok,
        failed,
        duplicates,
        values.length,
        errors.length,
      ]),
    ).toEqual([
      [0, 0, 0, 0, 0],
      [1, 0, 0, 1, 0],
      [1, 1, 0, 1, 1],
      [2, 1, 0, 2, 1],
      [2, 1, 1, 2, 1],
    ]);
  });

  it('sums counts by their names, also by those that every object has', () => {
    // As text: `__proto__` in a literal is no field.
    const output = JSON.parse('{"counts":{"lines":2,"toString":3,"__proto__":4,"none":"x"}}') as Json;
    const once = add(begin(planOf(all())), 0, { status: 'done', output });
    const twice = add(once, 1, { status: 'done', output });
    expect(JSON.stringify(once.counts)).toBe('{"lines":2,"toString":3,"__proto__":4}');
    expect(JSON.stringify(twice.counts)).toBe('{"lines":4,"toString":6,"__proto__":8}');
  });

  it('hands out its values in the order of the branches, and its errors as they came', () => {
    const order = [3, 0, 2, 1];
    const state = order.reduce(
      (folded, index) => add(folded, index, index < 2 ? BAD : { status: 'done', output: index }),
      begin(planOf(all())),
    );
    const { values, errors } = toOutput(state, 'all', state.values as readonly BranchValue[]);
    expect(values.map(({ index, agent }) => [index, agent])).toEqual([
      [2, 'a'],
      [3, 'b'],
    ]);
    expect(errors.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('keeps where a value lies in its place, and none with counts', () => {
    const ref = { $payload: 'somewhere', bytes: 9 };
    expect(add(begin(planOf(all())), 1, GOOD, ref).values).toEqual([{ index: 1, agent: 'b', ref }]);
    expect(add(begin(planOf(all(), 4, 'counts')), 1, GOOD, ref).values).toEqual([]);
  });
});

describe('a gather in Quorate and under createActor', () => {
  it('ends alike for any policy and any sequence of answers', async () => {
    const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
    console.info(`gather.test: QUORATE_TEST_SEED=${seed}`);
    await fc.assert(
      fc.asyncProperty(drawn, async (run) => {
        expect(await underCreateActor(run)).toEqual(inQuorate(run));
      }),
      { seed, numRuns: 200 },
    );
  });
});
