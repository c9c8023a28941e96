// Where createActor and a durable actor can not agree, and why; docs/machines.md says the same to whoever writes machines.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { DurableRun } from './durable.ts';
import { runDurable } from './durable.ts';
import { runLive } from './live.ts';
import { loadCases } from './load.ts';
import type { Observation, View } from './observe.ts';
import { ROOT } from './observe.ts';

beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const cases = new Map(
  (await loadCases(new URL('./differences.ts', import.meta.url))).map((given) => [given.name, given]),
);
const compared = new Set<string>();

async function both(
  name: string,
): Promise<{ live: View; durable: View; lives: Observation[]; run: DurableRun }> {
  const given = cases.get(name);
  if (given === undefined) throw new Error(`no case '${name}'`);
  compared.add(name);
  const lives = await runLive(given);
  const run = await runDurable(given);
  return { live: rootOf(lives), durable: rootOf(run.observations), lives, run };
}

function rootOf(observations: readonly Observation[]): View {
  return observations.at(-1)?.actors[ROOT] as View;
}

function codesOf({ rejected }: DurableRun): string[] {
  return rejected.map(([path, { code }]) => `${path} ${code}`);
}

describe('what throws', () => {
  it('ends a live actor; durable it costs its message alone, and the actor goes on (I7)', async () => {
    const { live, durable, run } = await both('throwing');
    expect(live).toMatchObject({ status: 'error', context: { n: 1 } });
    expect(durable).toMatchObject({ status: 'active', context: { n: 2 } });
    expect(codesOf(run)).toEqual(['root MACHINE_THREW']);
  });

  it('in a child reaches a live parent; durable the child goes on, and its message waits for a person (I7)', async () => {
    const { live, durable, run } = await both('parentOfThrowing');
    expect(live.value).toBe('b');
    expect(durable.value).toBe('a');
    expect(codesOf(run)).toEqual(['root/vase MACHINE_THREW']);
  });

  it('is an endless loop too: live it never returns, so only the durable form is run', async () => {
    const given = cases.get('endless');
    compared.add('endless');
    const run = await runDurable(given as never);
    expect(rootOf(run.observations)).toMatchObject({ status: 'active', value: 'a' });
    expect(codesOf(run)).toEqual(['root MACHINE_LOOPS']);
  });
});

describe('order and time', () => {
  it('what an actor sends itself comes before what its children send: they are other actors, in other processes', async () => {
    const { live, durable } = await both('order');
    expect(live.context).toEqual({ log: ['fromChild', 'fromSelf'] });
    expect(durable.context).toEqual({ log: ['fromSelf', 'fromChild'] });
  });

  it('a followed child shows its last snapshot once a turn, not every step of it', async () => {
    const { live, durable } = await both('following');
    expect(live.context).toEqual({ seen: [0, 1, 2] });
    expect(durable.context).toEqual({ seen: [0, 2] });
  });

  it('cancel(id) takes all that bear the id; XState forgets all but the last', async () => {
    const { live, durable } = await both('namesakes');
    expect(live.context).toEqual({ log: ['first'] });
    expect(durable.context).toEqual({ log: [] });
  });
});

describe('children', () => {
  it('a second one of the same id stops the first; XState lets it run on without a name', async () => {
    const { live, durable } = await both('replaced');
    expect(live.context).toEqual({ log: ['tick', 'tick'] });
    expect(durable.context).toEqual({ log: ['tick'] });
  });

  it('a reference means the child of that id: also the next one', async () => {
    const { live, durable } = await both('reborn');
    expect(live.context).toMatchObject({ log: ['pong'] });
    expect(durable.context).toMatchObject({ log: ['pong', 'pong'] });
  });

  it('system ids are known to actors that are started after them, or with them', async () => {
    const { live, durable } = await both('latecomers');
    expect(live.context).toEqual({ saw: ['one,two', 'one,three,two', 'one,three,two'] });
    expect(durable.context).toEqual({ saw: ['one,two', 'one,two', 'one,three,two'] });
  });

  it('sendParent() without a parent is dropped and logged: whoever tests a child alone need not care', async () => {
    const { live, durable, lives, run } = await both('orphan');
    expect(live).toMatchObject({ status: 'error' });
    expect(durable).toMatchObject({ status: 'active' });
    expect([lives.at(-1)?.logged, run.observations.at(-1)?.logged]).toEqual([[], [[null, 'done']]]);
  });
});

describe('data', () => {
  it('a rejection with something else than an Error arrives as one', async () => {
    const { live, durable } = await both('rejecting');
    expect(live.context).toEqual({ error: 'no' });
    expect(durable.context).toEqual({ error: { error: 'no' } });
  });

  it('what would not come back from the state is refused with its path; live it stays what it is', async () => {
    const { live, durable, run } = await both('dated');
    expect([live.context, durable.context]).toEqual([{ at: 'noon' }, { at: 'noon' }]);
    expect(run.rejected.map(([, { code, message }]) => `${code} ${message}`)).toEqual([
      "MACHINE_NOT_DURABLE machine 'root': context.at is a Date, which comes back as text; keep its getTime() or toISOString()",
      "MACHINE_NOT_DURABLE machine 'root': context.at.best[0] is Infinity, which JSON does not have; use null",
    ]);
  });

  it('events of XState and Quorate are refused from outside: nobody ends another’s task', async () => {
    const { live, durable, run } = await both('forging');
    expect(live.context).toEqual({ log: ['xstate.done.actor.job', 'quorate.partial.job'] });
    expect(durable.context).toEqual({ log: [] });
    expect(codesOf(run)).toEqual(['root EVENT_RESERVED', 'root EVENT_RESERVED']);
  });
});

it('leaves none out', () => {
  expect([...compared].toSorted()).toEqual([...cases.keys()].toSorted());
});
