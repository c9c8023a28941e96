// A turn without end costs its message alone, and soon: by the number of steps, not by the clock.
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { assign, createMachine, raise, sendTo } from 'xstate';
import { TestActor } from './turns.ts';

function looping(options: { maxIterations?: number } = {}): {
  machine: AnyStateMachine;
  steps: () => number;
} {
  let steps = 0;
  const counted = (until: number) => (): boolean => {
    steps += 1;
    return steps < until;
  };
  const machine = createMachine({
    types: {} as { context: { ok: number } },
    options,
    context: { ok: 0 },
    initial: 'a',
    on: {
      ok: { actions: assign({ ok: ({ context }) => context.ok + 1 }) },
      raises: { actions: raise({ type: 'raises' }) },
      sends: { actions: sendTo(({ self }) => self, { type: 'sends' }) },
      long: '.long',
    },
    states: {
      a: { on: { go: 'b' } },
      b: { always: { guard: counted(Infinity), target: 'c' } },
      c: { always: 'b' },
      long: {
        always: { guard: counted(3_000), actions: assign({ ok: ({ context }) => context.ok + 1 }) },
      },
    },
  });
  return { machine, steps: () => steps };
}

describe('an endless turn', () => {
  it.each(['go', 'raises', 'sends'])('by %s fails its message and no other', (type) => {
    const { machine, steps } = looping();
    const actor = new TestActor(machine);
    actor.start();
    const event = (name: string) => ({ kind: 'event', event: { type: name } }) as const;
    const { verdicts, effects } = actor.take(event('ok'), event(type), event('ok'));
    expect(verdicts).toMatchObject([
      { kind: 'applied' },
      { kind: 'rejected', error: { code: 'MACHINE_LOOPS' } },
      { kind: 'applied' },
    ]);
    expect(effects).toEqual([]);
    expect(actor.value).toBe('a');
    expect(actor.context).toEqual({ ok: 2 });
    expect(steps()).toBeLessThan(1_002);
  });

  it('at the start makes no actor', () => {
    const machine = createMachine({ initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } });
    const actor = new TestActor(machine);
    expect(actor.start().verdicts).toMatchObject([{ kind: 'rejected', error: { code: 'MACHINE_LOOPS' } }]);
    expect(actor.state).toBeNull();
  });

  it('that is only long may be declared', () => {
    const short = new TestActor(looping().machine);
    short.start();
    expect(short.send('long').verdicts).toMatchObject([{ kind: 'rejected' }]);
    const long = new TestActor(looping({ maxIterations: 5_000 }).machine);
    long.start();
    expect(long.send('long').verdicts).toEqual([{ kind: 'applied' }]);
    expect(long.value).toBe('long');
  });

  it('can not be declared without bound', () => {
    const endless = looping({ maxIterations: Infinity });
    const actor = new TestActor(endless.machine);
    actor.start();
    expect(actor.send('go').verdicts).toMatchObject([{ kind: 'rejected', error: { code: 'MACHINE_LOOPS' } }]);
    expect(endless.steps()).toBeLessThan(1_002);
  });
});
