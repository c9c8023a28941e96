// A run under a budget: no task leaves that nothing is reserved for, what was used is settled once, and what that frees lets the next
// ones leave. Incidents of others: a hundred concurrent requests that all read "below budget"; children that reopen the allowance.
import { describe, expect, it } from 'vitest';
import { budgetGate } from '../../../../../src/actors/host/budget/budget.ts';
import { plus, reservedOf } from '../../../../../src/actors/host/budget/ledger.ts';
import { formatBudget, type GivenBudget } from '../../../../../src/actors/protocol/budgets.ts';
import { inLife } from '../../../../../src/actors/protocol/ids.ts';
import { type Told, toUsage } from '../../../../../src/actors/protocol/usage.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { NO_AMOUNT } from '../../../../../src/contract/usage.ts';
import { PROPERTY, type TaskBody, type WireMessage } from '../../../../../src/contract/wire.ts';
import type { Draw, GiveBack } from '../../../../../src/control/tenant/protocol.ts';
import type { FakeHostOptions } from '../../../../kit/fake-host.ts';
import type { Fate } from '../../../../kit/fake-queue.ts';
import { answer, EXECUTION, isTask, numbers, Scene } from '../../../../kit/fan.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { asker, event, query, start, stateOf } from '../../../../kit/notes.ts';

const EACH = { microUsd: 7, tokens: 100 };
const BRANCHES = 40;
const ROOM = 10;

function setUp(budget: Partial<GivenBudget> = {}, plan: object = {}, more: FakeHostOptions = {}): Scene {
  const scene = new Scene({}, { gates: [budgetGate], fundsOf: () => EACH, ...more });
  scene.queue.active.clear();
  const given: GivenBudget = { tokens: ROOM * EACH.tokens, onExhausted: 'wait', ...budget };
  const properties = { [PROPERTY.budget]: formatBudget(given) };
  scene.queue.put(start({ properties }, { input: { items: numbers(BRANCHES), ...plan } as Json }));
  return scene;
}

/** What a host of the agent says of an attempt at this branch. */
function bill(scene: Scene, branch: number, used: number, more: Partial<Told> = {}) {
  const { incarnation = '' } = stateOf(scene.queue).core ?? {};
  const rows = [{ agent: 'a', model: '', ...NO_AMOUNT, inputTokens: used, calls: 1 }];
  const told: Told = {
    execution: inLife(EXECUTION, incarnation),
    branch,
    of: 'answer',
    rows,
    until: 0,
    ...more,
  };
  const { subject, body } = toUsage({ entity: 'e', sessionId: 's', messageId: 'u' }, told);
  return inbound(subject, body);
}

const budgetOf = (scene: Scene) => {
  const { budget } = stateOf(scene.queue).control ?? {};
  if (budget === undefined) throw new Error('there is no budget');
  return budget;
};
const taken = (scene: Scene): number => {
  const { ledger } = budgetOf(scene);
  return plus(ledger.spent, reservedOf(ledger)).tokens;
};
const tasks = (scene: Scene): WireMessage[] => scene.queue.sent.filter(isTask);
const answered = (scene: Scene, branch: number, used: number) => [bill(scene, branch, used), answer(branch)];
const snapshotOf = (scene: Scene) =>
  scene.queue.sent
    .map(({ body }) => (body as unknown as { snapshot?: { budget: Json; value: Json } }).snapshot)
    .findLast(Boolean);

describe('a fan-out beyond its budget', () => {
  it('sends as many branches as there is room for, whoever asks at once, and shows what waits', async () => {
    const scene = setUp();
    scene.queue.put(query());
    await scene.hold();
    expect(scene.branches()).toEqual(numbers(ROOM));
    expect(tasks(scene).map(({ properties }) => properties?.[PROPERTY.budget])).toEqual(
      numbers(ROOM).map(() => '7/100'),
    );
    expect(taken(scene)).toBe(ROOM * EACH.tokens);
    expect(snapshotOf(scene)?.budget).toMatchObject({
      limit: { tokens: 1_000 },
      reserved: { tokens: 1_000 },
      waiting: BRANCHES - ROOM,
      waitingSince: scene.now,
    });
  });
  it('that is let go of when half of it has left keeps what is reserved for that half until its deadline is over', async () => {
    const scene = setUp();
    await scene.hold();
    const deadlineAt = Math.max(...tasks(scene).map(({ body }) => (body as unknown as TaskBody).deadlineAt));
    scene.queue.put(inbound('stop', { kind: 'stop' }));
    await scene.hold();
    const [kept] = Object.values(budgetOf(scene).ledger.reserved);
    expect(kept).toMatchObject({ count: ROOM });
    expect(kept?.until).toBeGreaterThan(deadlineAt);
  });

  it('sends the next ones as soon as others have used less, each once, until the money is spent', async () => {
    const scene = setUp();
    await scene.hold();
    for (let branch = 0; branch < scene.branches().length; branch++) {
      scene.queue.put(...answered(scene, branch, 50));
      await scene.hold();
      expect(taken(scene)).toBeLessThanOrEqual(1_000);
    }
    // 20 of 50 tokens each; one of 100 does not fit behind the 19th.
    expect(scene.branches()).toEqual(numbers(19));
    expect(budgetOf(scene)).toMatchObject({ ledger: { spent: { tokens: 950 }, reserved: {} } });
  });

  it('lets in what the attempts in flight used beyond their reservations, and nothing behind that', async () => {
    const scene = setUp();
    await scene.hold();
    for (const branch of numbers(ROOM)) scene.queue.put(...answered(scene, branch, 150));
    await scene.hold();
    expect(scene.branches()).toHaveLength(ROOM);
    expect(budgetOf(scene).ledger.spent.tokens).toBe(1_500);
  });

  it('has no deadline while it waits, and one from when its last branch has left', async () => {
    const scene = setUp({ tokens: 3_900 });
    await scene.hold();
    expect(stateOf(scene.queue).core?.executions[EXECUTION]?.deadlineAt).toBeUndefined();
    scene.now += 500_000;
    scene.queue.put(...answered(scene, 0, 0));
    await scene.hold();
    expect(scene.branches()).toHaveLength(BRANCHES);
    expect(stateOf(scene.queue).core?.executions[EXECUTION]?.deadlineAt).toBe(scene.now + 60_000);
  });

  it('without a limit of its kind, or of work that costs nothing, leaves as ever', async () => {
    const free = setUp({}, {}, { fundsOf: () => ({ microUsd: 0, tokens: 0 }) });
    await free.hold();
    expect(free.branches()).toHaveLength(BRANCHES);
    const inUsd = setUp({ tokens: undefined, microUsd: 70 } as never);
    await inUsd.hold();
    expect(inUsd.branches()).toHaveLength(ROOM);
  });

  it('is done beyond the budget where it is done in any case', async () => {
    const scene = setUp({}, { cancel: 'ignore' });
    await scene.hold();
    expect(scene.branches()).toHaveLength(BRANCHES);
  });
});

describe('what is left', () => {
  it('with onExhausted fail: ends with the answers in hand once nothing can free anything any more', async () => {
    const scene = setUp({ onExhausted: 'fail' }, { policy: { atLeast: 5 } });
    await scene.hold();
    for (const branch of numbers(ROOM)) {
      expect(stateOf(scene.queue).core?.executions).toHaveProperty([EXECUTION]);
      scene.queue.put(...answered(scene, branch, 100));
      await scene.hold();
    }
    expect(scene.branches()).toHaveLength(ROOM);
    expect(stateOf(scene.queue).core?.executions).toEqual({});
    expect(stateOf(scene.queue).core?.snapshot).toMatchObject({ value: 'over' });
  });

  it('with onExhausted wait: waits, and leaves when somebody adds to it, which is written down', async () => {
    const scene = setUp();
    await scene.hold();
    for (const branch of numbers(ROOM)) scene.queue.put(...answered(scene, branch, 100));
    await scene.hold();
    expect(scene.branches()).toHaveLength(ROOM);
    const lines: unknown[] = [];
    Object.assign(scene.host.logger, {
      info: (line: string, fields: unknown) => void lines.push([line, fields]),
    });
    scene.queue.put(inbound('topUp', { kind: 'topUp', asker, by: 'ann', microUsd: 0, tokens: 500 }));
    await scene.hold();
    expect(scene.branches()).toEqual(numbers(ROOM + 5));
    expect(lines).toEqual([
      ['audit: the budget was topped up by ann', { actor: 'm/1', by: 'ann', microUsd: 0, tokens: 500 }],
    ]);
    expect(budgetOf(scene).topUps).toEqual([{ at: scene.now, by: 'ann', microUsd: 0, tokens: 500 }]);
  });

  it('of branches that were let go of and never begun comes back at their deadline', async () => {
    const scene = setUp({}, { policy: { good: 1 } });
    await scene.hold();
    scene.queue.put(...answered(scene, 0, 10));
    await scene.hold();
    expect(taken(scene)).toBe(10 + 9 * EACH.tokens);
    // One was told and says what it used; the others have not been begun.
    scene.queue.put(bill(scene, 1, 30, { of: 'nothing' }));
    await scene.hold();
    expect(taken(scene)).toBe(40 + 8 * EACH.tokens);
    scene.now += 600_000;
    scene.queue.put(event('again'));
    await scene.hold();
    expect(budgetOf(scene).ledger.spent.tokens).toBe(40);
    // 960 tokens are left, for 9 of the new ones.
    expect(taken(scene)).toBe(940);
  });

  it('is told the machine once', async () => {
    const scene = setUp();
    await scene.hold();
    for (const branch of numbers(ROOM)) {
      scene.queue.put(...answered(scene, branch, 100));
      await scene.hold();
    }
    const raised = scene.queue.sent.filter(
      ({ subject, body }) =>
        subject === 'timer' && (body as unknown as { token: string }).token.startsWith('budget#'),
    );
    expect(raised).toHaveLength(1);
    expect(budgetOf(scene).isLow).toBe(true);
    const { body } = raised[0] ?? {};
    scene.queue.put(inbound('timer', body as Json));
    await scene.hold();
    expect(stateOf(scene.queue).core?.snapshot).toMatchObject({
      context: { low: { limit: { tokens: 1_000 }, spent: { tokens: 800 } } },
    });
  });
});

describe('another attempt', () => {
  const again = (scene: Scene, branch: number): WireMessage => {
    const sent = tasks(scene).find(
      ({ body }) => (body as unknown as TaskBody).branch === branch,
    ) as WireMessage;
    return {
      ...sent,
      entity: 'agent.a',
      messageId: `again ${branch}`,
      body: { ...(sent.body as object), attempt: 2 },
    };
  };

  it('leaves when it is reserved for anew, and not before', async () => {
    const scene = setUp();
    await scene.hold();
    scene.queue.put(
      bill(scene, 3, 100, { of: 'nothing' }),
      bill(scene, 3, 0, { of: 'nothing', rows: [], isMore: true, again: again(scene, 3) }),
    );
    await scene.hold();
    expect(tasks(scene)).toHaveLength(ROOM);
    scene.queue.put(...answered(scene, 0, 0));
    await scene.hold();
    expect(tasks(scene)).toHaveLength(ROOM + 1);
    expect(taken(scene)).toBe(1_000);
  });

  it.each([
    { of: 'stands still', policy: {}, runs: false },
    { of: 'runs where the policy of its gather ends after a time', policy: { afterMs: 30_000 }, runs: true },
  ])('waits while its deadline $of', async ({ policy, runs }) => {
    const scene = setUp({ tokens: 10 * EACH.tokens }, { items: numbers(ROOM), policy });
    await scene.hold();
    const deadlineAt = () => stateOf(scene.queue).core?.executions[EXECUTION]?.deadlineAt;
    const before = deadlineAt();
    scene.queue.put(
      bill(scene, 3, 100, { of: 'nothing' }),
      bill(scene, 3, 0, { of: 'nothing', rows: [], isMore: true, again: again(scene, 3) }),
    );
    await scene.hold();
    expect(deadlineAt()).toBe(runs ? before : undefined);
    scene.now += 20_000;
    scene.queue.put(...answered(scene, 0, 0));
    await scene.hold();
    expect(tasks(scene)).toHaveLength(ROOM + 1);
    expect(deadlineAt()).toBe(runs ? before : (before ?? 0) + 20_000);
  });

  it('is none where nobody waits any more', async () => {
    const scene = setUp();
    await scene.hold();
    const next = again(scene, 3);
    scene.queue.put(event('leave'));
    await scene.hold();
    scene.queue.put(bill(scene, 3, 0, { of: 'nothing', rows: [], isMore: true, again: next }));
    await scene.hold();
    expect(tasks(scene)).toHaveLength(ROOM);
    expect(stateOf(scene.queue).control?.unsent).toBeUndefined();
  });

  it('is a task of an agent and nothing else', async () => {
    const scene = setUp();
    await scene.hold();
    const forged = { ...again(scene, 3), entity: 'actor.m' };
    scene.queue.put(bill(scene, 3, 0, { of: 'nothing', rows: [], isMore: true, again: forged }));
    await scene.hold();
    expect(
      scene.queue.sent.filter(({ entity, subject }) => entity === 'actor.m' && subject === 'task'),
    ).toEqual([]);
  });
});

describe('a start', () => {
  it.each([
    { of: 'no JSON', budget: 'lots', unpriced: undefined },
    { of: 'a limit of nothing', budget: formatBudget({ onExhausted: 'wait' }), unpriced: undefined },
    {
      of: 'less than nothing',
      budget: formatBudget({ tokens: -1, onExhausted: 'wait' }),
      unpriced: undefined,
    },
    {
      of: 'USD, for a model without a price',
      budget: formatBudget({ microUsd: 5, onExhausted: 'wait' }),
      unpriced: 'm',
    },
  ])('with a budget of $of is refused with BUDGET_INVALID', async ({ budget, unpriced }) => {
    const scene = new Scene({}, { gates: [budgetGate], unpriced: () => unpriced });
    scene.queue.active.clear();
    scene.queue.put(start({ properties: { [PROPERTY.budget]: budget } }));
    await scene.hold();
    expect(scene.queue.state).toBeNull();
    expect([...scene.queue.settled.values()]).toMatchObject([
      { kind: 'deadLetter', reason: 'BUDGET_INVALID' },
    ]);
  });

  it('without one has no trace of it', async () => {
    const scene = new Scene({ items: numbers(BRANCHES) }, { gates: [budgetGate], fundsOf: () => EACH });
    await scene.hold();
    expect(scene.branches()).toHaveLength(BRANCHES);
    expect(stateOf(scene.queue).control).toBeUndefined();
    expect(tasks(scene).every(({ properties }) => properties?.[PROPERTY.budget] === undefined)).toBe(true);
  });
});

describe('an answer without a bill, of a host that does not know how', () => {
  const failed = (branch: number) =>
    inbound('reply', {
      kind: 'reply',
      execution: EXECUTION,
      branch,
      outcome: { status: 'error', error: { code: 'TASK_FAILED', message: 'no' } },
    });

  it('counts as it was reserved, once, and others leave or the budget ends', async () => {
    const scene = setUp({ onExhausted: 'fail' });
    await scene.hold();
    // Twice, as a crash repeats it; and badly.
    for (const branch of numbers(ROOM)) scene.queue.put(branch % 3 === 0 ? failed(branch) : answer(branch));
    scene.queue.put(answer(1), failed(3));
    await scene.hold();
    expect(budgetOf(scene).ledger).toMatchObject({ spent: { tokens: ROOM * EACH.tokens }, reserved: {} });
    const { rows = [] } = stateOf(scene.queue).control?.costs ?? {};
    expect(rows).toMatchObject([{ agent: 'a', calls: ROOM, estimated: { inputTokens: ROOM * EACH.tokens } }]);
    // There is nothing left, and nothing under way that would free anything.
    await scene.hold();
    for (const { body } of scene.queue.scheduled.values()) scene.queue.put(inbound('timer', body));
    await scene.hold();
    expect(stateOf(scene.queue).core?.snapshot).toMatchObject({ value: 'over' });
  });

  it('beside one with a bill leaves that alone', async () => {
    const scene = setUp();
    await scene.hold();
    scene.queue.put(...answered(scene, 0, 40), answer(1), ...answered(scene, 2, 0));
    await scene.hold();
    expect(budgetOf(scene).ledger.spent.tokens).toBe(40 + EACH.tokens);
    expect(scene.branches()).toHaveLength(ROOM + 1);
  });

  it('of a task that lapsed before anybody had it gives all back, for its bill says so', async () => {
    const scene = setUp();
    await scene.hold();
    scene.queue.put(bill(scene, 4, 0, { of: 'nothing', rows: [] }), failed(4));
    await scene.hold();
    expect(budgetOf(scene).ledger.spent.tokens).toBe(0);
    expect(scene.branches()).toHaveLength(ROOM + 1);
  });
});

describe('a run whose tenant has a budget', () => {
  const TENANT = { tenants: { acme: { tokens: 10_000 } } };
  const draws = (scene: Scene) =>
    scene.queue.sent.flatMap(({ entity, body }) =>
      entity === 'control' ? [(body as unknown as { event: Draw & GiveBack }).event] : [],
    );
  const grantOf = (scene: Scene, seq: number, count: number, isRefused = false) => {
    const { incarnation = '' } = stateOf(scene.queue).core ?? {};
    const value = { seq, microUsd: 0, tokens: count, isRefused };
    return inbound('granted', { kind: 'granted', execution: inLife('budget', incarnation), value });
  };
  function ofTenant(budget?: GivenBudget): Scene {
    const scene = setUp({}, {}, TENANT);
    scene.queue.active.clear();
    const own = budget === undefined ? {} : { [PROPERTY.budget]: formatBudget(budget) };
    const properties = { [PROPERTY.tenant]: 'acme', ...own };
    scene.queue.put(start({ properties }, { input: { items: numbers(BRANCHES) } as Json }));
    return scene;
  }

  it('draws a block before anything leaves, and another one when that is used; a grant counts once', async () => {
    const scene = ofTenant();
    await scene.hold();
    expect(scene.branches()).toEqual([]);
    // A twentieth of the day, though all that waits would take more.
    expect(draws(scene)).toMatchObject([{ seq: 1, least: { tokens: 100 }, wish: { tokens: 500 } }]);
    scene.queue.put(grantOf(scene, 1, 500), grantOf(scene, 1, 500));
    await scene.hold();
    expect(scene.branches()).toEqual(numbers(5));
    expect(draws(scene)).toMatchObject([{ seq: 1 }, { seq: 2, type: 'draw' }]);
  });

  it('draws no more than its own budget, and gives back at its end what it has not used', async () => {
    const scene = ofTenant({ tokens: 300, onExhausted: 'wait' });
    await scene.hold();
    expect(draws(scene)).toMatchObject([{ wish: { tokens: 300 } }]);
    scene.queue.put(grantOf(scene, 1, 300));
    await scene.hold();
    expect(scene.branches()).toHaveLength(3);
    expect(draws(scene)).toHaveLength(1);
    scene.queue.put(bill(scene, 0, 40), inbound('stop', { kind: 'stop' }));
    await scene.hold();
    // Two are under way still, and say later that they were not begun.
    expect(draws(scene).at(-1)).toMatchObject({ type: 'giveBack', sum: { tokens: 60 } });
    scene.queue.put(bill(scene, 1, 0, { of: 'nothing', rows: [] }), bill(scene, 2, 100, { of: 'nothing' }));
    await scene.hold();
    expect(draws(scene).at(-1)).toMatchObject({ type: 'giveBack', sum: { tokens: 160 } });
  });

  it('asks again, with the number of its draw, when nobody has answered: less and less often, until it has its grant', async () => {
    const scene = ofTenant();
    await scene.hold();
    const asked: number[] = [scene.now];
    // Draw or grant is lost each time. Timers come in their order.
    while (asked.length < 9) {
      const [next] = [...scene.queue.scheduled].toSorted(
        ([, a], [, b]) => (a.notBefore ?? 0) - (b.notBefore ?? 0),
      );
      if (next === undefined) break;
      const [number, { body, notBefore = 0 }] = next;
      scene.queue.scheduled.delete(number);
      scene.now = Math.max(scene.now, notBefore);
      scene.queue.put(inbound('timer', body));
      await scene.hold();
      if (draws(scene).length > asked.length) asked.push(scene.now);
    }
    const waits = asked.slice(1).map((at, index) => (at - (asked[index] ?? 0)) / 60_000);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(draws(scene).every(({ seq, type }) => type === 'draw' && seq === 1)).toBe(true);
    // A repeat under the same id within the duplicate window would be dropped by the broker.
    const ids = scene.queue.sent
      .filter(({ entity }) => entity === 'control')
      .map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(ids.length);
    scene.queue.put(grantOf(scene, 1, 500), grantOf(scene, 1, 500));
    await scene.hold();
    expect(scene.branches()).toEqual(numbers(5));
    expect(draws(scene).at(-1)).toMatchObject({ seq: 2 });
  });

  it('asks anew when it was refused although it waits: too many runs did', async () => {
    const scene = ofTenant();
    await scene.hold();
    scene.queue.put(grantOf(scene, 1, 0, true));
    await scene.hold();
    expect(draws(scene)).toHaveLength(1);
    for (const { body, notBefore = 0 } of scene.queue.scheduled.values()) {
      scene.now = Math.max(scene.now, notBefore);
      scene.queue.put(inbound('timer', body));
    }
    await scene.hold();
    expect(draws(scene).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('fails where it is refused and does not wait', async () => {
    const scene = ofTenant({ tokens: 300, onExhausted: 'fail' });
    await scene.hold();
    expect(draws(scene)).toMatchObject([{ isFinal: true }]);
    scene.queue.put(grantOf(scene, 1, 0, true));
    await scene.hold();
    expect(stateOf(scene.queue).core?.executions).toEqual({});
  });
});

it('never reserves twice or sends what is not reserved, wherever the process dies', async () => {
  for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const satisfies Fate[]) {
    for (let at = 0; ; at++) {
      const scene = setUp({}, {}, {});
      let steps = 0;
      const dies = { fate: () => (steps++ === at ? fate : ('done' as const)) };
      await scene.queue.hold(scene.host, dies);
      for (let holds = 0; scene.queue.active.size > 0 && holds < 5; holds++)
        await scene.queue.hold(scene.host);
      const before = steps;
      for (const branch of [0, 1, 2]) scene.queue.put(...answered(scene, branch, 40));
      await scene.queue.hold(scene.host, dies);
      for (let holds = 0; scene.queue.active.size > 0 && holds < 5; holds++)
        await scene.queue.hold(scene.host);
      const where = `${fate} at ${at}, ${before} steps before`;
      // 3 of 40 used, and 8 of 100 reserved: one was freed.
      expect(scene.branches(), where).toEqual(numbers(11));
      expect(taken(scene), where).toBe(3 * 40 + 8 * 100);
      if (steps <= at) break;
    }
  }
});
