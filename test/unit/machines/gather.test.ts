// What the fold decides, and that Quorate and createActor decide alike: one machine, the same answers in the same order, in
// Quorate in batches that are cut anywhere and with answers that come twice.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createActor, SimulatedClock, setup } from 'xstate';
import type { Json } from '../../../src/contract/json.ts';
import type { Outcome } from '../../../src/contract/outcome.ts';
import {
  type BranchValue,
  type GatherOutput,
  type GatherPolicy,
  type PolicyRecord,
  recordOf,
  type ScatterPlan,
  writtenOf,
} from '../../../src/contract/scatter.ts';
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
import { all, deadline, first, quorum, unreachable } from '../../../src/machines/policies.ts';
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

/** What the policies name: it throws, and gives what is no boolean, as well. */
function isEven(answer: Json, shared: Json | undefined): boolean {
  if (answer === null) throw new Error('nothing to look at');
  if (answer === 'text') return 'yes' as never;
  return shared === undefined && JSON.stringify(answer).length % 2 === 0;
}

const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const records: fc.Arbitrary<GatherPolicy> = fc
  .record({
    answered: sometimes(fc.integer({ min: 1, max: 9 })),
    good: sometimes(fc.integer({ min: 1, max: 9 })),
    afterMs: sometimes(fc.constant(TIME_MS)),
    // Nobody tells of anything here; what it decides is in the table.
    spent: sometimes(fc.constant({ tokens: 1 })),
    valid: sometimes(
      fc.oneof(
        fc.constant('isEven'),
        fc.record({ by: fc.constant('isEven'), count: fc.integer({ min: 1, max: 9 }) }),
      ),
    ),
    atLeast: sometimes(fc.integer({ min: 0, max: 9 })),
  })
  .map((record) => JSON.parse(JSON.stringify(record)) as GatherPolicy);

const policies: fc.Arbitrary<GatherPolicy> = fc.oneof(
  { weight: 4, arbitrary: records },
  fc.constant(all()),
  fc.constantFrom<GatherPolicy>(
    { kind: 'all' },
    { kind: 'quorum', count: 2 },
    { kind: 'deadline', ms: TIME_MS },
  ),
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
        once: fc.array(outcomes, perBranch),
        second: fc.array(fc.option(fc.tuple(fc.nat(), outcomes)), perBranch),
        cuts: fc.array(fc.integer({ min: 1, max: 4 }), {
          minLength: total * 2 + 1,
          maxLength: total * 2 + 1,
        }),
        timePasses: fc.boolean(),
      })
      .map(
        ({ policy, collect, order, once, second, cuts, timePasses }): Drawn => ({
          plan: {
            agents: AGENTS.slice(0, agents),
            items: branches.slice(0, items),
            policy,
            collect,
            deadlineMs: TIME_MS,
          },
          total,
          answers: order.map((branch) => ({ branch, outcome: once[branch] as Outcome })),
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
  const actor = new TestActor(machine, { registry }, { isEven });
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
  const local = machine.provide({
    actors: { scatter: scatter({ agents: Object.fromEntries(agents), valid: { isEven } }) },
  });
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

/** A count of valid ones, beside that of good ones. */
function by(count: number): NonNullable<PolicyRecord['valid']> {
  return { by: 'v', count };
}

describe('a gather of four branches', () => {
  it.each<[string, GatherPolicy, string, string, string]>([
    // After each answer, `+` good, `-` bad or `?` not valid, one letter: undecided, done, failed. Then what it is when its time is up.
    ['all', all(), '++++', 'uuud', 'all'],
    ['all, whatever the answers', all(), '----', 'uuud', 'all'],
    ['all, when its time is up', all(), '+++', 'uuu', 'failed'],
    ['a quorum as soon as it is met', quorum(2), '-++', 'uud', 'quorum'],
    ['a quorum until it cannot be met any more', quorum(3), '+--', 'uuf', 'failed'],
    ['a quorum, when its time is up', quorum(3), '+-+', 'uuu', 'failed'],
    ['a quorum of all', quorum(4), '++++', 'uuud', 'quorum'],
    ['a quorum of one, of which one is left', quorum(1), '---+', 'uuud', 'quorum'],
    ['a deadline that every branch keeps', deadline(9), '+-++', 'uuud', 'all'],
    ['a deadline without a good answer', deadline(9), '----', 'uuuf', 'failed'],
    ['a deadline that nobody need keep', deadline(9, { atLeast: 0 }), '----', 'uuud', 'all'],
    ['a deadline with enough', deadline(9, { atLeast: 2 }), '++', 'uu', 'deadline'],
    ['a deadline with too few', deadline(9, { atLeast: 2 }), '+-', 'uu', 'failed'],
    ['a deadline until it cannot be met any more', deadline(9, { atLeast: 2 }), '---', 'uuf', 'failed'],
    ['the first good one, whatever fails before', first(), '--+', 'uud', 'quorum'],
    ['the first valid one', first({ valid: 'v' }), '-?+', 'uud', 'quorum'],
    ['the first valid one, and there is none', first({ valid: 'v' }), '-??-', 'uuuf', 'failed'],
    ['so many answers', { answered: 2 }, '+-', 'ud', 'answered'],
    ['so many answers, when its time is up', { answered: 3 }, '++', 'uu', 'failed'],
    ['so many answers with enough good ones', { answered: 3, atLeast: 2 }, '+-+', 'uud', 'answered'],
    ['so many answers until they cannot do', { answered: 3, atLeast: 2 }, '--', 'uf', 'failed'],
    ['so many answers, as many as there are', { answered: 4 }, '--++', 'uuud', 'all'],
    ['good ones in so many tries', { answered: 3, good: 2 }, '+-+', 'uud', 'quorum'],
    ['good ones in too few tries', { answered: 3, good: 2 }, '+--', 'uuf', 'failed'],
    ['good ones until a time', { good: 3, afterMs: 9, atLeast: 1 }, '+-', 'uu', 'deadline'],
    ['two names at once', { ...quorum(2), ...deadline(9, { atLeast: 1 }) }, '-+', 'uu', 'deadline'],
    ['enough at the bound of the plan', { atLeast: 1 }, '+', 'u', 'deadline'],
    ['enough valid ones until a time', { afterMs: 9, valid: 'v', atLeast: 1 }, '???+', 'uuud', 'all'],
    ['too few valid ones', { valid: 'v', atLeast: 2 }, '??+?', 'uuuf', 'failed'],
    ['valid ones before so many good ones', { good: 3, valid: by(2) }, '?+-+', 'uuud', 'valid'],
    ['so many good ones before the valid ones', { good: 3, valid: by(2) }, '??-+', 'uuud', 'quorum'],
    ['valid or good ones until neither can come', { good: 3, valid: by(3) }, '?--', 'uuf', 'failed'],
    ['valid or good ones, when its time is up', { good: 3, valid: by(2) }, '?+', 'uu', 'failed'],
    ['so many good ones with a valid one', { good: 2, valid: by(2), atLeast: 1 }, '-?+', 'uud', 'quorum'],
    [
      'good ones that leave no room for a valid one',
      { good: 2, valid: by(2), atLeast: 2 },
      '?',
      'f',
      'failed',
    ],
    ['valid ones, and no number of good ones', { valid: by(2) }, '?+?+', 'uuud', 'valid'],
    ['valid ones until they cannot come', { valid: by(2) }, '+???', 'uuuf', 'failed'],
    ['valid ones in so many tries', { answered: 3, valid: by(2) }, '-?', 'uf', 'failed'],
    ['valid ones until a time', { afterMs: 9, valid: by(3), atLeast: 1 }, '?+', 'uu', 'deadline'],
    ['so much used, three a branch', { spent: { tokens: 6 } }, '-+', 'ud', 'spent'],
    ['so much used, when its time is up', { spent: { tokens: 9 } }, '-+', 'uu', 'deadline'],
    ['so much used for nothing', { spent: { tokens: 6 } }, '--', 'uf', 'failed'],
    ['so much money used, half a USD a branch', { spent: { usd: 1.01, tokens: 99 } }, '+++', 'uud', 'spent'],
    ['so much used, and all have answered', { spent: { tokens: 12 } }, '++++', 'uuud', 'all'],
    ['enough before so much is used', { spent: { tokens: 9 }, good: 2, atLeast: 1 }, '++', 'ud', 'quorum'],
    ['so much used with too few good ones', { spent: { tokens: 6 }, atLeast: 2 }, '-+', 'uf', 'failed'],
  ])('waits for %s', (_name, policy, answers, decisions, atTimeUp) => {
    let state = begin(planOf(policy));
    const seen = answers.split('').map((answer, index) => {
      const outcome = answer === '-' ? BAD : GOOD;
      const spent = { tokens: 3 * (index + 1), microUsd: 500_000 * (index + 1) };
      state = add(
        { ...state, spent },
        index,
        outcome,
        state.invalid === undefined ? {} : { check: () => answer === '+' },
      );
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
    const { values, errors } = toOutput(state, 'all', {
      values: state.values as readonly BranchValue[],
      rejected: [],
    });
    expect(values.map(({ index, agent }) => [index, agent])).toEqual([
      [2, 'a'],
      [3, 'b'],
    ]);
    expect(errors.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('keeps where a value lies in its place, and none with counts', () => {
    const ref = { $payload: 'somewhere', bytes: 9 };
    expect(add(begin(planOf(all())), 1, GOOD, { kept: ref }).values).toEqual([{ index: 1, agent: 'b', ref }]);
    expect(add(begin(planOf(all(), 4, 'counts')), 1, GOOD, { kept: ref }).values).toEqual([]);
  });
});

describe('unreachable', () => {
  it.each<[GatherPolicy, string | undefined]>([
    [all(), undefined],
    [quorum(3), undefined],
    [quorum(4), 'a quorum of 4 of 3 branches'],
    [{ kind: 'quorum', count: 4 }, 'a quorum of 4 of 3 branches'],
    [deadline(9, { atLeast: 4 }), 'atLeast 4 of 3 branches'],
    [{ answered: 4 }, 'answered 4 of 3 branches'],
    [{ good: 3, answered: 2 }, 'good 3, and it ends at 2 answers'],
    [{ atLeast: 3, answered: 2 }, 'atLeast 3, and it ends at 2 answers'],
    [{ atLeast: 3, good: 2 }, 'atLeast 3, and it ends at 2 good answers'],
    [{ atLeast: 2, good: 2, answered: 2, afterMs: 1 }, undefined],
    [{ valid: by(4) }, 'valid 4 of 3 branches'],
    [{ valid: by(3), answered: 2 }, 'valid 3, and it ends at 2 answers'],
    [{ valid: by(3), good: 2 }, 'valid 3, and it ends at 2 good answers'],
    [{ valid: by(2), good: 3, atLeast: 3 }, 'atLeast 3, and it ends at 2 valid answers'],
    [{ valid: by(2), good: 3, atLeast: 1 }, undefined],
  ])('says of %j with three branches: %s', (policy, why) => {
    expect(unreachable(policy, 3)).toBe(why);
    expect(unreachable(policy, 0)).toBeUndefined();
  });
});

const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
console.info(`gather.test: QUORATE_TEST_SEED=${seed}`);

type Fold = readonly { readonly branch: number; readonly outcome: Outcome }[];

function foldOf(plan: ScatterPlan, answers: Fold): Gathering {
  const { valid } = recordOf(plan.policy);
  const how = valid === undefined ? {} : { check: isEven };
  return answers.reduce((state, { branch, outcome }) => add(state, branch, outcome, how), begin(plan));
}

/** What a machine is told after these answers. */
function verdictOf(state: Gathering): string {
  const decision = decide(state);
  return decision.kind === 'done' ? decision.outcome : decision.kind;
}

describe('the decision of a gather', () => {
  const reachable = drawn.filter(({ plan, total }) => unreachable(plan.policy, total) === undefined);

  it('comes from which branches have answered and how, whatever the order and whatever came twice', () => {
    fc.assert(
      fc.property(reachable, fc.nat(), ({ plan, answers, again }, turnBy) => {
        const at = answers.length === 0 ? 0 : turnBy % answers.length;
        const turned = [...answers.slice(at), ...answers.slice(0, at)].toReversed();
        const once = foldOf(plan, answers);
        const twice = again.reduce((state, answer) => (answer === null ? state : addDuplicate(state)), once);
        expect(verdictOf(foldOf(plan, turned))).toBe(verdictOf(once));
        expect(verdictOf(twice)).toBe(verdictOf(once));
        const { duplicates: _, ...rest } = twice;
        expect({ ...rest, duplicates: 0 }).toEqual(once);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('is final: success or failure that is there stays, whatever comes, and when the time is up', () => {
    fc.assert(
      fc.property(reachable, ({ plan, answers }) => {
        const { answered = answers.length, good = answers.length, valid } = recordOf(plan.policy);
        // An end by a number of answers, whether they are valid or not, stops there: what would come later is never folded.
        const well = answers.flatMap(({ outcome }, at) => (outcome.status === 'done' ? [at + 1] : []));
        const most =
          typeof valid === 'object' ? Math.min(answered, well[good - 1] ?? answers.length) : answered;
        const kinds = answers
          .slice(0, most)
          .map((_, at) => decide(foldOf(plan, answers.slice(0, at + 1))).kind);
        const at = kinds.findIndex((kind) => kind !== 'undecided');
        if (at === -1) return;
        expect(new Set(kinds.slice(at)).size).toBe(1);
        expect(decideAtTimeUp(foldOf(plan, answers.slice(0, at + 1))).kind).toBe(kinds[at]);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('comes once every branch has answered', () => {
    fc.assert(
      fc.property(reachable, ({ plan, total, answers }) => {
        if (answers.length === total && total > 0)
          expect(verdictOf(foldOf(plan, answers))).not.toBe('undecided');
      }),
      { seed, numRuns: 200 },
    );
  });

  it('is that of the record as former builds write it, where they know it', () => {
    fc.assert(
      fc.property(reachable, ({ plan, answers }) => {
        const written = { ...plan, policy: writtenOf(plan.policy) };
        expect(writtenOf(written.policy)).toEqual(written.policy);
        for (const decision of [decide, decideAtTimeUp])
          expect(decision(foldOf(written, answers))).toEqual(decision(foldOf(plan, answers)));
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('a count of valid answers', () => {
  it('is reached by answers with the yes of the function, and `good` by all that ended well', () => {
    fc.assert(
      fc.property(
        drawn,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        (run, good, count) => {
          const policy = { ...recordOf(run.plan.policy), good, valid: { by: 'isEven', count } };
          const plan = { ...run.plan, policy };
          if (unreachable(policy, run.total) !== undefined) return;
          const states = run.answers.map((_, at) => foldOf(plan, run.answers.slice(0, at + 1)));
          const end = states.find((state) => verdictOf(state) !== 'undecided');
          if (end === undefined) return;
          expect(verdictOf(end) === 'valid').toBe(end.ok >= count);
          if (verdictOf(end) === 'quorum') expect(end.ok + (end.invalid ?? 0)).toBe(good);
        },
      ),
      { seed, numRuns: 200 },
    );
  });

  it('means without `good` what a name means with it', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 9 }), ({ plan, total, answers }, count) => {
        const { valid: _, good: __, ...record } = recordOf(plan.policy);
        const asCount = { ...plan, policy: { ...record, valid: { by: 'isEven', count } } };
        const asName = { ...plan, policy: { ...record, good: count, valid: 'isEven' } };
        const refused = unreachable(asCount.policy, total) !== undefined;
        expect(unreachable(asName.policy, total) !== undefined).toBe(refused);
        if (refused) return;
        for (const decision of [decide, decideAtTimeUp]) {
          const [one, other] = [asCount, asName].map((each) => decision(foldOf(each, answers)));
          const named = one?.kind === 'done' && one.outcome === 'valid' ? { ...one, outcome: 'quorum' } : one;
          expect(named).toEqual(other);
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('a gather in Quorate and under createActor', () => {
  it('ends alike for any policy and any sequence of answers', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (run) => {
        expect(await underCreateActor(run)).toEqual(inQuorate(run));
      }),
      { seed, numRuns: 200 },
    );
  });
});
