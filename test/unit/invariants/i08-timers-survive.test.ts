// I8 Timers survive: delivered at least once per token, applied once.
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { TestActor } from '../actors/core/turns.ts';

const waking = setup({ delays: { long: 60_000 } }).createMachine({
  context: { rings: 0 },
  initial: 'asleep',
  states: {
    asleep: {
      after: { long: { target: 'asleep', actions: assign({ rings: ({ context }) => context.rings + 1 }) } },
      on: { rise: 'up' },
    },
    up: {},
  },
});

it('I8: a timer that is delivered twice rings once; one that was cancelled does not ring', () => {
  const actor = new TestActor(waking);
  actor.start();
  const [token = ''] = Object.keys(actor.state?.timers ?? {});
  actor.now += 60_000;
  expect(actor.take({ kind: 'timer', token }).verdicts).toEqual([{ kind: 'applied' }]);
  expect(actor.take({ kind: 'timer', token }).verdicts).toMatchObject([{ kind: 'stale' }]);
  expect(actor.state?.snapshot).toMatchObject({ context: { rings: 1 } });
  const [next = ''] = Object.keys(actor.state?.timers ?? {});
  expect(next).not.toBe(token);
  actor.send('rise');
  expect(actor.take({ kind: 'timer', token: next }).verdicts).toMatchObject([{ kind: 'stale' }]);
});
