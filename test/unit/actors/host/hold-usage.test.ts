// What was used is booked once, by actors that live and by those that have ended, in whatever batch it comes and wherever the
// process dies; the machine sees nothing of it, and the parent is told.
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { inLife } from '../../../../src/actors/protocol/ids.ts';
import { type Told, toUsage } from '../../../../src/actors/protocol/usage.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { GatherOutput } from '../../../../src/contract/scatter.ts';
import { type CostRow, NO_AMOUNT, toCosts } from '../../../../src/contract/usage.ts';
import type { InboundMessage, QueryAnswer, WireMessage } from '../../../../src/contract/wire.ts';
import { scatter } from '../../../../src/machines/scatter.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { event, notesOf, query, reply, start, stateOf } from '../../../kit/notes.ts';

const row = (inputTokens: number, more: Partial<CostRow> = {}): CostRow => ({
  agent: 'a',
  model: 'm',
  ...NO_AMOUNT,
  inputTokens,
  calls: 1,
  ...more,
});

function usage(told: Partial<Told> = {}, more: Partial<InboundMessage> = {}): InboundMessage {
  const whole: Told = { execution: '2.0', of: 'answer', rows: [row(10)], until: 0, ...told };
  const { subject, body, properties = {} } = toUsage({ entity: 'e', sessionId: 's', messageId: 'u' }, whole);
  return inbound(subject, body, { properties, ...more });
}

const parent = {
  address: { type: 'peer', id: 'p' },
  reply: { entity: 'actor.peer', sessionId: 'p', correlationId: '7.0~life' },
  syncSnapshot: false,
};

async function asked(more: Record<string, Json> = {}): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start({}, more), event('ask'));
  await queue.hold(fakeHost(noteMachine));
  queue.steps.length = 0;
  return queue;
}

const costs = (queue: FakeQueue) => toCosts(stateOf(queue).control?.costs?.rows ?? [], true);
const told = (queue: FakeQueue): Told[] =>
  queue.sent
    .filter(({ subject }) => subject === 'usage')
    .map(({ body }) => (body as unknown as { outcome: { output: Told } }).outcome.output);

describe('what was used', () => {
  it('is booked in the commit of its answer, and the machine sees nothing of it', async () => {
    const queue = await asked();
    queue.put(usage(), reply('2.0'));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.commits()).toHaveLength(1);
    expect(notesOf(queue)).toEqual(['end']);
    expect(costs(queue)).toMatchObject({ total: { inputTokens: 10, calls: 1 }, wasted: NO_AMOUNT });
  });

  it('without an answer is booked in a commit of its own, without a turn', async () => {
    const queue = await asked();
    const { turn } = stateOf(queue).core ?? {};
    queue.put(usage({ of: 'nothing' }), usage());
    const host = fakeHost(noteMachine);
    await queue.hold(host);
    expect(host.requests).toEqual([]);
    expect(stateOf(queue).core?.turn).toBe(turn);
    expect(costs(queue)).toMatchObject({ total: { inputTokens: 20 }, wasted: { inputTokens: 10 } });
  });

  it('is booked by an actor that has ended, as wasted, and shown', async () => {
    const queue = await asked();
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    queue.put(usage({ until: 2_000_000 }), query());
    await queue.hold(fakeHost(noteMachine));
    expect(costs(queue)).toMatchObject({ total: { inputTokens: 10 }, wasted: { inputTokens: 10 } });
    const snapshot = queue.sent
      .map(({ body }) => (body as { snapshot?: { costs: Json } }).snapshot)
      .find(Boolean);
    expect(snapshot?.costs).toMatchObject({ total: { inputTokens: 10 }, final: false });
    // The task's deadline is over.
    queue.put(query({ messageId: 'later' }));
    await queue.hold(fakeHost(noteMachine, { clock: { now: () => 2_000_001 } }));
    const later = queue.sent
      .map(({ body }) => (body as { snapshot?: { costs: Json } }).snapshot)
      .findLast(Boolean);
    expect(later?.costs).toMatchObject({ final: true });
  });

  it('is wasted where the answer was not taken, and where nobody waits any more', async () => {
    const queue = await asked();
    queue.put(usage(), reply('2.0'), usage(), reply('2.0', 'again'));
    await queue.hold(fakeHost(noteMachine));
    queue.put(usage());
    await queue.hold(fakeHost(noteMachine));
    expect(costs(queue)).toMatchObject({ total: { inputTokens: 30 }, wasted: { inputTokens: 20 } });
  });

  it('of a child counts as the child says, and goes on to the parent with what a batch added', async () => {
    const queue = await asked({ parent });
    const wasted = { ...NO_AMOUNT, inputTokens: 3 };
    queue.put(usage({ of: 'sum', rows: [row(5, { wasted })], until: 77 }), usage({ of: 'nothing' }));
    await queue.hold(fakeHost(noteMachine));
    queue.put(usage(), reply('2.0'));
    await queue.hold(fakeHost(noteMachine));
    const [first, second] = told(queue);
    expect(told(queue)).toHaveLength(2);
    expect(first).toMatchObject({ execution: '7.0~life', of: 'sum', until: 77 });
    expect(toCosts(first?.rows ?? [], true)).toMatchObject({
      total: { inputTokens: 15 },
      wasted: { inputTokens: 13 },
    });
    expect(second?.rows).toMatchObject([{ inputTokens: 10 }]);
  });

  it('does not count what was saved: of work that was not begun the machine and its gathers see nothing', async () => {
    const queue = await asked({ parent });
    const saved = { ...NO_AMOUNT, calls: 3, inputTokens: 30 };
    const unused = { agent: 'a', model: 'm', ...NO_AMOUNT, saved };
    // In the same batch as the answer of another attempt at the same execution, which it does not take away.
    queue.put(usage({ of: 'sum', rows: [unused] }), usage(), reply('2.0'));
    await queue.hold(fakeHost(noteMachine));
    expect(costs(queue)).toMatchObject({ total: { inputTokens: 10, calls: 1 }, wasted: NO_AMOUNT, saved });
    expect(told(queue)).toMatchObject([{ of: 'sum', rows: [{ inputTokens: 10, saved }] }]);
  });

  it('waits with everything else while the actor stands still', async () => {
    const queue = await asked();
    const state = stateOf(queue);
    queue.keep({ ...state, quarantine: { code: 'X', message: 'x', since: 0, held: '' } } as never);
    queue.put(usage());
    await queue.hold(fakeHost(noteMachine));
    expect(costs(queue).total.inputTokens).toBe(0);
    queue.put(
      inbound('release', {
        kind: 'release',
        asker: { entity: 'replies', sessionId: 'c', correlationId: 'c' },
      }),
    );
    await queue.hold(fakeHost(noteMachine));
    expect(costs(queue).total.inputTokens).toBe(10);
  });
});

describe('a message of what was used that harms nobody', () => {
  const body = (output: Json): Json => ({
    kind: 'reply',
    execution: 'usage',
    outcome: { status: 'done', output },
  });
  it.each<{ of: string; message: () => InboundMessage }>([
    { of: 'is no JSON of ours', message: () => inbound('usage', 7) },
    { of: 'has no rows', message: () => inbound('usage', body({ execution: '2.0' })) },
    {
      of: 'says less than nothing',
      message: () => usage({ rows: [row(-5)] }),
    },
    { of: 'says a fraction', message: () => usage({ rows: [row(0.5)] }) },
    {
      of: 'has too many rows',
      message: () => usage({ rows: Array.from({ length: 1_000 }, (_, at) => row(1, { model: `m${at}` })) }),
    },
    { of: 'is of another life', message: () => usage({ execution: inLife('2.0', 'otherlife') }) },
  ])('$of', async ({ message }) => {
    const queue = await asked();
    queue.put(message(), reply('2.0'));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['end']);
    expect(stateOf(queue).control).toBeUndefined();
    expect([...queue.settled.values()].every(({ kind }) => kind === 'complete')).toBe(true);
  });

  it('finds no actor', async () => {
    const queue = new FakeQueue();
    const host = fakeHost(noteMachine);
    queue.put(usage());
    await queue.hold(host);
    expect([queue.active.size, queue.state, host.counters.dropped]).toEqual([0, null, 1]);
  });
});

it('is booked once, and told the parent under one id, wherever the process dies', async () => {
  const FATES = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;
  for (const fate of FATES) {
    for (let at = 0; ; at++) {
      const queue = await asked({ parent });
      queue.put(usage({ of: 'nothing' }), usage(), reply('2.0'), usage({ of: 'sum' }));
      let steps = 0;
      const takes = [1, 3];
      await queue.hold(fakeHost(noteMachine), { takes, fate: () => (steps++ === at ? fate : 'done') });
      const isOver = steps <= at;
      for (let holds = 0; queue.active.size > 0 && holds < 10; holds++)
        await queue.hold(fakeHost(noteMachine));
      const where = `${fate} at ${at}`;
      expect(costs(queue), where).toMatchObject({
        total: { inputTokens: 30, calls: 3 },
        wasted: { inputTokens: 10 },
      });
      const rows = told(queue).flatMap((one) => one.rows);
      expect(toCosts(rows, true).total, where).toMatchObject({ inputTokens: 30, calls: 3 });
      if (isOver) break;
    }
  }
});

it('keeps states as they were without it: no field, no commit, no message', async () => {
  const queue = await asked({ parent });
  queue.put(reply('2.0'));
  await queue.hold(fakeHost(noteMachine));
  expect(Object.keys(queue.state as object)).not.toContain('control');
  expect((queue.state as { format: number }).format).toBe(3);
  const sent: readonly WireMessage[] = queue.sent;
  expect(sent.filter(({ subject }) => subject === 'usage')).toEqual([]);
});

describe('a gather that ends when so much is used', () => {
  const machine = setup({
    types: { context: {} as { got: GatherOutput | null } },
    actors: { fan: scatter() },
  }).createMachine({
    context: { got: null },
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          id: 'fan',
          src: 'fan',
          input: {
            agents: ['a'],
            items: [1, 2, 3, 4, 5],
            policy: { spent: { tokens: 100 } },
            collect: 'values',
          },
          onDone: { target: 'end', actions: assign({ got: ({ event: { output } }) => output }) },
        },
      },
      end: {},
    },
  });
  const host = () => fakeHost(machine);
  const billOf = (branch: number, tokens: number, more: Partial<Told> = {}) =>
    usage({ execution: '1.0', branch, rows: [row(tokens, { outputTokens: 1, microUsd: 3 })], ...more });
  const branchReply = (branch: number) =>
    inbound('reply', {
      kind: 'reply',
      execution: '1.0',
      branch,
      outcome: { status: 'done', output: branch },
    });
  const begun = async (): Promise<FakeQueue> => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(host());
    return queue;
  };
  const gotOf = (queue: FakeQueue) =>
    (stateOf(queue).core?.snapshot as { context?: { got: GatherOutput | null } } | undefined)?.context?.got;

  it('ends at the answer with which it is reached, attempts that came to nothing included', async () => {
    const queue = await begun();
    queue.put(billOf(0, 49), branchReply(0), billOf(1, 48, { of: 'nothing' }), query());
    await queue.hold(host());
    expect(gotOf(queue)).toBe(null);
    const { snapshot } =
      queue.sent.map(({ body }) => body as { snapshot?: QueryAnswer }).findLast((body) => body.snapshot) ??
      {};
    expect(snapshot?.gathers).toMatchObject([{ answered: 1, spent: { tokens: 99, microUsd: 6 } }]);
    // Told with its answer, in one batch.
    queue.put(billOf(2, 5), branchReply(2));
    await queue.hold(host());
    expect(gotOf(queue)).toMatchObject({
      outcome: 'spent',
      ok: 2,
      missing: 3,
      spent: { tokens: 105, microUsd: 9 },
    });
  });

  it.each(['dies-before', 'dies-after'] as const)(
    'counts once what its host adds that %s any of its steps',
    async (fate) => {
      for (let at = 0; at < 10; at++) {
        const queue = await begun();
        queue.put(
          billOf(0, 49),
          branchReply(0),
          billOf(1, 20, { of: 'nothing' }),
          billOf(2, 28),
          branchReply(2),
        );
        let step = 0;
        await queue.hold(host(), { takes: [1, 1, 1, 1, 1], fate: () => (step++ === at ? fate : 'done') });
        await queue.hold(host());
        expect(gotOf(queue)).toMatchObject({ outcome: 'spent', ok: 2, spent: { tokens: 100 } });
      }
    },
  );
});
