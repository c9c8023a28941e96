// On whose behalf a run is, and how urgent, comes with its start and goes on with all that it asks for; who says nothing pays nothing.
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { checkBehalf, readBehalf, toProperties } from '../../../../src/actors/protocol/behalf.ts';
import { type OnBehalf, PRIORITIES } from '../../../../src/contract/control.ts';
import { PROPERTY, type WireMessage } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { isTask, machine, numbers } from '../../../kit/fan.ts';
import { inbound } from '../../../kit/inbound.ts';
import { event, start, stateOf } from '../../../kit/notes.ts';

const acme: OnBehalf = { tenant: 'acme', priority: 'high' };
const given = { [PROPERTY.tenant]: 'acme', [PROPERTY.priority]: 'high' };
const saidIn = ({ properties = {} }: WireMessage): unknown[] =>
  [PROPERTY.tenant, PROPERTY.priority].flatMap((name) => properties[name] ?? []);

const parent = createMachine({ initial: 'asks', states: { asks: { invoke: { src: 'peer', id: 'kid' } } } });

async function sentBy(properties: Record<string, string>) {
  const queue = new FakeQueue();
  queue.put(start({ properties }, { input: { items: numbers(3) } }), event('leave'), event('ask'));
  await queue.hold(fakeHost(machine), { takes: [1, 1, 1] });
  const tasks = queue.sent.filter(isTask);
  const above = new FakeQueue();
  above.put(start({ properties }));
  await above.hold(fakeHost(parent));
  const children = above.sent.filter(({ subject }) => subject === 'start');
  return { queue, tasks, children };
}

describe('what a start says', () => {
  it('is kept, and carried by tasks, fan-outs and children', async () => {
    const { queue, tasks, children } = await sentBy(given);
    expect([...tasks, ...children].map(saidIn)).toEqual(Array.from({ length: 5 }, () => ['acme', 'high']));
    expect(stateOf(queue).control).toEqual(acme);
    // So it comes down to all levels.
    expect(readBehalf(children[0]?.properties ?? {})).toEqual({ behalf: acme });
  });

  it('is nowhere when it says nothing', async () => {
    const { queue, tasks, children } = await sentBy({});
    expect([...tasks, ...children].flatMap(saidIn)).toEqual([]);
    expect(queue.state).not.toHaveProperty('control');
    expect(queue.state).toMatchObject({ format: 3 });
  });

  it('counts with an event that starts the actor, and not for one that is there', async () => {
    const queue = new FakeQueue();
    const opening = (properties: Record<string, string>) =>
      inbound(
        'event',
        { kind: 'event', event: { type: 'x' }, start: { input: { items: [] } } },
        { properties },
      );
    queue.put(opening({ [PROPERTY.tenant]: 'acme' }), opening({ [PROPERTY.tenant]: 'other' }));
    await queue.hold(fakeHost(machine));
    expect(stateOf(queue).control).toEqual({ tenant: 'acme' });
  });

  it.each([
    [{ tenant: '' }, /tenant/],
    [{ tenant: 'x'.repeat(129) }, /tenant/],
    [{ tenant: 7 }, /tenant/],
    [{ priority: 'urgent' }, /priority/],
  ])('is refused when it is %j, by the client and by the actor', async (wrong, why) => {
    expect(() => checkBehalf(wrong)).toThrow(why);
    const queue = new FakeQueue();
    queue.put(start({ properties: toProperties(wrong as OnBehalf) }));
    await queue.hold(fakeHost(machine));
    expect([...queue.settled.values()]).toMatchObject([{ kind: 'deadLetter', reason: 'INPUT_INVALID' }]);
  });

  it('says no more than it has to', () => {
    expect(PRIORITIES.map((priority) => checkBehalf({ priority }))).toEqual([
      { priority: 'high' },
      {},
      { priority: 'low' },
    ]);
  });
});
