import { describe, expect, it } from 'vitest';
import { createActor, SimulatedClock, setup, toPromise, waitFor } from 'xstate';
import type { Json } from '../../../src/contract/json.ts';
import {
  type CriticAnswer,
  type CriticTask,
  type ProposalOptions,
  type ProposerTask,
  proposal,
} from '../../../src/machines/proposal.ts';
import { SCATTER, scatter } from '../../../src/machines/scatter.ts';
import { TestActor } from '../actors/core/turns.ts';
import { coded, doing, outputOf, start } from './kit.ts';

const OPTIONS: ProposalOptions = {
  proposers: ['ann', 'bob'],
  critic: 'judge',
  rounds: 3,
  acceptAt: 0.8,
  offerTtlMs: 60_000,
  deadlineMs: 10_000,
};

type Asked = ProposerTask<string, string, string>;
type Judged = CriticTask<string, string>;

const silent = () => new Promise<never>(() => {});
const expired = () => Promise.reject(coded('OFFER_EXPIRED'));

/** A proposal whose agents do as told, and what they were asked. */
function staged(
  agents: {
    ann?: (task: Asked) => unknown;
    bob?: (task: Asked) => unknown;
    judge?: (task: Judged) => unknown;
  },
  over: Partial<ProposalOptions> = {},
) {
  const asks: Asked['item'][] = [];
  const judged: Judged[] = [];
  const offer = (name: string) => (task: Asked) => `${name} ${task.item.round}`;
  const ann = (task: Asked) => {
    asks.push(task.item);
    return (agents.ann ?? offer('ann'))(task);
  };
  const judge = doing((task: Judged) => {
    judged.push(task);
    return (agents.judge ?? (() => ({ choice: 0, score: 1 })))(task);
  });
  const machine = proposal<string, string, string>({ ...OPTIONS, ...over }).provide({
    actors: { [SCATTER]: scatter({ agents: { ann, bob: agents.bob ?? offer('bob') } }), judge },
  });
  return { machine, asks, judged };
}

describe('proposal', () => {
  it('accepts the chosen offer of the first round when it scores', async () => {
    const { machine, asks, judged } = staged({ judge: () => ({ choice: 1, score: 0.8 }) });
    const running = start(machine, { request: 'a plan' });
    expect(await outputOf(running)).toEqual({
      outcome: 'accepted',
      offer: 'bob 1',
      proposer: 'bob',
      score: 0.8,
      rounds: 1,
      refused: [],
      expired: 0,
      failed: 0,
      missing: 0,
    });
    expect(asks).toEqual([{ request: 'a plan', round: 1 }]);
    expect(judged).toEqual([
      {
        request: 'a plan',
        round: 1,
        offers: [
          { proposer: 'ann', offer: 'ann 1' },
          { proposer: 'bob', offer: 'bob 1' },
        ],
      },
    ]);
    expect(running.actor.getSnapshot().hasTag('accepted')).toBe(true);
  });

  it('refines with the best offer and the feedback until it is good enough', async () => {
    const { machine, asks } = staged({
      judge: ({ round }) => ({ choice: round - 1, score: round * 0.4, feedback: `more ${round}` }),
    });
    expect(await outputOf(start(machine, { request: 'r' }))).toMatchObject({
      outcome: 'accepted',
      offer: 'bob 2',
      rounds: 2,
      refused: [{ round: 1, proposer: 'ann', score: 0.4 }],
    });
    expect(asks[1]).toEqual({ request: 'r', round: 2, previous: 'ann 1', feedback: 'more 1' });
  });

  it('gives the best of all rounds when they run out, the later one of equals', async () => {
    const scores = [0.3, 0.7, 0.5, 0.7];
    const judge = ({ round }: Judged): CriticAnswer => ({ choice: 0, score: scores[round - 1] ?? 0 });
    const three = await outputOf(start(staged({ judge }).machine, { request: 'r' }));
    expect(three).toMatchObject({ outcome: 'rounds-exhausted', offer: 'ann 2', score: 0.7, rounds: 3 });
    expect(three.refused.map(({ score }) => score)).toEqual([0.3, 0.7, 0.5]);
    const four = start(staged({ judge }, { rounds: 4 }).machine, { request: 'r' });
    expect(await outputOf(four)).toMatchObject({ offer: 'ann 4', score: 0.7, rounds: 4 });
    expect(four.actor.getSnapshot().hasTag('rounds-exhausted')).toBe(true);
  });

  it('takes an offer that the critic accepts whatever its score', async () => {
    const judge = ({ round }: Judged) => ({ choice: 0, score: 0.7 / round, accepted: round === 2 });
    const output = await outputOf(start(staged({ judge }).machine, { request: 'r' }));
    expect(output).toMatchObject({ outcome: 'accepted', offer: 'ann 2', score: 0.35 });
  });

  it('leaves out offers that lapsed, and counts them', async () => {
    const { machine, judged } = staged({ ann: expired, judge: () => ({ choice: 0, score: 0.9 }) });
    const output = await outputOf(start(machine, { request: 'r' }));
    expect(output).toMatchObject({ offer: 'bob 1', expired: 1, failed: 0 });
    expect(judged[0]?.offers).toEqual([{ proposer: 'bob', offer: 'bob 1' }]);
  });

  it('counts a round without an offer, and goes on with the next', async () => {
    const failing = ({ item }: Asked) => (item.round === 1 ? expired() : `late ${item.round}`);
    const broken = () => Promise.reject(new Error('out of order'));
    const { machine, judged, asks } = staged({ ann: failing, bob: broken });
    const output = await outputOf(start(machine, { request: 'r' }));
    expect(output).toMatchObject({ offer: 'late 2', rounds: 2, expired: 1, failed: 2 });
    expect(judged).toHaveLength(1);
    expect(asks[1]).toEqual({ request: 'r', round: 2 });
  });

  it('keeps the best offer when the last round brings none', async () => {
    const { machine } = staged(
      {
        ann: ({ item }) => (item.round === 1 ? 'first' : expired()),
        bob: expired,
        judge: () => ({ choice: 0, score: 0.1 }),
      },
      { rounds: 2 },
    );
    const output = await outputOf(start(machine, { request: 'r' }));
    expect(output).toMatchObject({ outcome: 'rounds-exhausted', offer: 'first', rounds: 2, expired: 3 });
  });

  it('does not ask the critic about fewer offers than atLeast', async () => {
    const { machine, judged } = staged({ bob: expired }, { atLeast: 2, rounds: 2 });
    expect(await start(machine, { request: 'r' }).end).toMatchObject({ status: 'error' });
    expect(judged).toEqual([]);
  });

  it('does not keep too few offers of one round for the next', async () => {
    const ann = ({ item }: Asked) => (item.round === 1 ? 'lonely' : silent());
    const { actor } = start(staged({ ann, bob: expired }, { atLeast: 2 }).machine, { request: 'r' });
    const second = await waitFor(actor, ({ context }) => context.round === 2);
    expect(second.context).toMatchObject({ offers: [], best: null, expired: 1 });
    actor.stop();
  });

  it('goes on at the deadline without who is late', async () => {
    const { machine } = staged({ bob: silent });
    const { actor, clock, end } = start(machine, { request: 'r' });
    await waitFor(actor, ({ value }) => value === 'proposing');
    await new Promise(setImmediate);
    clock.increment(OPTIONS.deadlineMs);
    expect(await end).toMatchObject({ output: { offer: 'ann 1', missing: 1 } });
  });

  it('shows partial results of the round while it runs', async () => {
    const { machine } = staged({ ann: silent, bob: silent });
    const { actor } = start(machine, { request: 'r' });
    actor.send({ type: 'quorate.partial.offers', seq: 0, branch: 1, value: 'half' });
    actor.send({ type: 'quorate.partial.offers', seq: 1, branch: 1, value: 'nearly' });
    actor.send({ type: 'quorate.partial.offers', seq: 0, branch: 0, value: 'start' });
    actor.send({ type: 'quorate.partial.offers', seq: 0, branch: 9, value: 'nobody' });
    expect(actor.getSnapshot().context.partials).toEqual({
      count: 3,
      last: { ann: { seq: 0, value: 'start' }, bob: { seq: 1, value: 'nearly' } },
    });
    actor.stop();
  });
});

describe("a proposal's end in error", () => {
  const broken = () => Promise.reject(coded('CRITIC_DOWN'));

  it('has the counts when no round brought an offer', async () => {
    const { machine } = staged({ ann: expired, bob: broken });
    expect(await start(machine, { request: 'r' }).end).toEqual({
      status: 'error',
      error: {
        name: 'Error',
        code: 'GATHER_FAILED',
        message: 'proposal: no offer in 3 rounds: 3 lapsed, 3 failed, 0 are missing',
        data: { reason: 'no-offer', expired: 3, failed: 3, missing: 0 },
      },
    });
  });

  it("has the critic's error when the critic fails", async () => {
    const { end } = start(staged({ judge: broken }).machine, { request: 'r' });
    expect(await end).toMatchObject({ status: 'error', error: { code: 'CRITIC_DOWN' } });
  });

  it.each([
    ['no answer', undefined],
    ['text', 'the first one'],
    ['a choice that is no offer', { choice: 2, score: 1 }],
    ['a choice by name', { choice: 'length', score: 1 }],
    ['no score', { choice: 0 }],
  ])('quotes the critic when it gives %s', async (_, answer) => {
    const { end } = start(staged({ judge: () => answer }).machine, { request: 'r' });
    expect(await end).toMatchObject({
      status: 'error',
      error: {
        code: 'INPUT_INVALID',
        message: expect.stringContaining("critic 'judge' gave no choice among 2"),
      },
    });
  });

  it("is taken by a parent's onError", async () => {
    const parent = setup({ actors: { plan: staged({ ann: expired, bob: expired }).machine } }).createMachine({
      initial: 'planning',
      states: {
        planning: {
          invoke: { src: 'plan', input: { request: 'r' }, onDone: 'planned', onError: 'unplanned' },
        },
        planned: { type: 'final' },
        unplanned: { type: 'final' },
      },
    });
    const actor = createActor(parent, { clock: new SimulatedClock() });
    const end = toPromise(actor);
    actor.start();
    await end;
    expect(actor.getSnapshot().value).toBe('unplanned');
  });
});

describe('a proposal in durable turns', () => {
  const agents = { ann: { deadlineMs: 1 }, bob: { deadlineMs: 1 }, judge: { deadlineMs: 1 } };

  function durable(): TestActor {
    const actor = new TestActor(proposal({ ...OPTIONS, rounds: 1 }), { registry: { agents, machines: {} } });
    actor.start({ request: 'r' });
    return actor;
  }
  const execution = (actor: TestActor): string => Object.keys(actor.state?.executions ?? {})[0] ?? '';
  const answer = (actor: TestActor, branch: number, output: Json) =>
    actor.take({ kind: 'reply', execution: execution(actor), branch, outcome: { status: 'done', output } });
  const lapse = (actor: TestActor, branch: number) => {
    const error = { code: 'OFFER_EXPIRED', message: 'lapsed' };
    return actor.take({
      kind: 'reply',
      execution: execution(actor),
      branch,
      outcome: { status: 'error', error },
    });
  };

  it('asks for offers with a time to live and gives each proposer the request', () => {
    const actor = new TestActor(proposal(OPTIONS), { registry: { agents, machines: {} } });
    const { effects } = actor.start({ request: 'r' });
    expect(effects[0]?.effect).toMatchObject({
      kind: 'scatter',
      total: 2,
      plan: {
        agents: ['ann', 'bob'],
        items: [{ request: 'r', round: 1 }],
        policy: { kind: 'deadline', ms: 10_000, atLeast: 0 },
        offerTtlMs: 60_000,
      },
    });
  });

  it('runs through', () => {
    const actor = durable();
    actor.take({ kind: 'partial', execution: execution(actor), branch: 0, seq: 0, value: 'p' });
    expect(actor.context['partials']).toEqual({ count: 1, last: { ann: { seq: 0, value: 'p' } } });
    answer(actor, 0, { text: 'ann' });
    lapse(actor, 1);
    expect(actor.value).toBe('judging');
    actor.reply(execution(actor), { choice: 0, score: 1 });
    expect(actor.state).toMatchObject({
      status: 'done',
      output: { outcome: 'accepted', offer: { text: 'ann' }, expired: 1 },
    });
  });

  it('gives the critic an offer by reference where the offers are too large together', () => {
    const registry = { agents, machines: {} };
    const actor = new TestActor(proposal(OPTIONS), { registry, overflow: { execution: '1.0' } });
    actor.start({ request: 'r' });
    answer(actor, 1, 'bob');
    const kept = { $payload: 'of-ann', bytes: 1 };
    const outcome = { status: 'done', output: 'ann' } as const;
    const { effects } = actor.take({ kind: 'reply', execution: '1.0', branch: 0, outcome, kept });
    expect(effects[0]?.effect).toMatchObject({
      kind: 'task',
      agent: 'judge',
      input: {
        offers: [
          { proposer: 'ann', offer: kept },
          { proposer: 'bob', offer: 'bob' },
        ],
      },
    });
  });

  it('ends in error without a rejected turn when nobody offers', () => {
    const actor = durable();
    lapse(actor, 0);
    const { verdicts } = lapse(actor, 1);
    expect(verdicts).toEqual([{ kind: 'applied' }]);
    expect(actor.state).toMatchObject({
      status: 'error',
      error: { code: 'GATHER_FAILED', data: { reason: 'no-offer' } },
    });
  });
});

describe('the options of a proposal', () => {
  it.each([
    ['one proposer', { proposers: ['ann'] as never }],
    ['a proposer twice', { proposers: ['ann', 'ann'] as const }],
    ['a critic who also proposes', { critic: 'ann' }],
    ['no round', { rounds: 0 }],
    ['more offers than proposers', { atLeast: 3 }],
  ])('refuse %s', (_, over) => {
    expect(() => proposal({ ...OPTIONS, ...over })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
