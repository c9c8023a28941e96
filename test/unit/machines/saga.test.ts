import { describe, expect, it } from 'vitest';
import { waitFor } from 'xstate';
import type { Json } from '../../../src/contract/json.ts';
import {
  type CompensationTask,
  type SagaOptions,
  type SagaStep,
  type SagaTask,
  saga,
} from '../../../src/machines/saga.ts';
import { TestActor } from '../actors/core/turns.ts';
import { coded, doing, outputOf, start } from './kit.ts';

const STEPS = [
  { name: 'stage', agent: 'stager', compensate: 'unstage', input: { dir: 'tmp' } },
  { name: 'check', agent: 'checker' },
  { name: 'write', agent: 'writer', compensate: 'unwrite' },
  { name: 'publish', agent: 'publisher', compensate: 'unpublish' },
] satisfies SagaStep[];

/** Agents that answer with their step's name, fail where told, and leave a record. */
function staged(
  failures: Readonly<Record<string, number>> = {},
  over: Partial<SagaOptions> = {},
  steps: readonly SagaStep[] = STEPS,
) {
  const log: string[] = [];
  const tasks: (SagaTask | CompensationTask)[] = [];
  const left = new Map(Object.entries(failures));
  const agents = steps.flatMap(({ agent, compensate }) =>
    compensate === undefined ? [agent] : [agent, compensate],
  );
  const actors = Object.fromEntries(
    agents.map((name) => {
      const work = (task: SagaTask): Json => {
        log.push(name);
        tasks.push(task);
        const times = left.get(name) ?? 0;
        left.set(name, times - 1);
        if (times > 0) throw coded('BROKEN', `${name} broke`);
        return `${name} did it`;
      };
      return [name, doing(work)];
    }),
  );
  return { machine: saga<string>({ steps, ...over }).provide({ actors }), log, tasks };
}

const failure = (step: string, agent: string) => ({
  step,
  error: { code: 'BROKEN', message: `${agent} broke`, name: 'Error' },
});

describe('saga', () => {
  it('does its steps in order and gives their results', async () => {
    const { machine, log, tasks } = staged();
    const running = start(machine, 'input');
    expect(await outputOf(running)).toEqual({
      status: 'done',
      completed: ['stage', 'check', 'write', 'publish'],
      results: {
        stage: 'stager did it',
        check: 'checker did it',
        write: 'writer did it',
        publish: 'publisher did it',
      },
    });
    expect(log).toEqual(['stager', 'checker', 'writer', 'publisher']);
    expect(tasks.slice(0, 2)).toEqual([
      { input: 'input', step: 'stage', results: {}, data: { dir: 'tmp' } },
      { input: 'input', step: 'check', results: { stage: 'stager did it' } },
    ]);
    const { context, tags } = running.actor.getSnapshot();
    expect(context).toMatchObject({ status: 'done', step: null });
    expect([...tags]).toEqual(['done']);
  });

  it.each([
    ['stager', 'stage', [], ['stage']],
    ['checker', 'check', ['stage'], ['stage']],
    ['writer', 'write', ['stage', 'check'], ['write', 'stage']],
    ['publisher', 'publish', ['stage', 'check', 'write'], ['publish', 'write', 'stage']],
  ])(
    'undoes in reverse order when %s fails, the failed step first',
    async (agent, step, completed, undone) => {
      const { machine, log } = staged({ [agent]: 1 });
      const output = await outputOf(start(machine, 'i'));
      expect(output).toMatchObject({
        status: 'compensated',
        completed,
        compensated: undone,
        failure: failure(step, agent),
        cancelled: false,
      });
      expect(log.slice(log.indexOf(agent) + 1)).toEqual(
        undone.map((name) => STEPS.find((one) => one.name === name)?.compensate),
      );
    },
  );

  it('tells a compensation what failed and what was done', async () => {
    const { machine, tasks } = staged({ writer: 1 });
    await outputOf(start(machine, 'i'));
    expect(tasks.slice(3)).toEqual([
      {
        input: 'i',
        step: 'write',
        results: { stage: 'stager did it', check: 'checker did it' },
        attempt: 1,
        failure: failure('write', 'writer'),
      },
      expect.objectContaining({ step: 'stage', data: { dir: 'tmp' }, attempt: 1 }),
    ]);
  });

  it('leaves a failed step alone that is said to be atomic', async () => {
    const steps = STEPS.map((step) =>
      step.name === 'write' ? { ...step, compensateOnFailure: false } : step,
    );
    const { machine, log } = staged({ writer: 1 }, {}, steps);
    expect(await outputOf(start(machine, 'i'))).toMatchObject({ compensated: ['stage'] });
    expect(log).not.toContain('unwrite');
  });

  it('ends at once when there is nothing to undo', async () => {
    const { machine } = staged({ b: 1 }, {}, [
      { name: 'one', agent: 'a' },
      { name: 'two', agent: 'b' },
    ]);
    expect(await outputOf(start(machine, 'i'))).toMatchObject({
      status: 'compensated',
      completed: ['one'],
      compensated: [],
    });
  });

  it('tries a compensation again after a growing, bounded delay', async () => {
    const over = { compensationAttempts: 4, backoffMs: 100, maxBackoffMs: 250 };
    const { machine, log, tasks } = staged({ publisher: 1, unwrite: 3 }, over);
    const running = start(machine, 'i');
    const { actor, clock } = running;
    for (const [attempt, delay] of [
      [2, 100],
      [3, 200],
      [4, 250],
    ] as const) {
      const waiting = await waitFor(actor, (now) => now.matches({ undo: { write: 'waiting' } }));
      expect(waiting.context).toMatchObject({ status: 'compensating', step: 'write', attempt });
      expect(waiting.hasTag('compensating')).toBe(true);
      clock.increment(delay - 1);
      expect(actor.getSnapshot().matches({ undo: { write: 'waiting' } })).toBe(true);
      clock.increment(1);
    }
    expect(await outputOf(running)).toMatchObject({
      status: 'compensated',
      compensated: ['publish', 'write', 'stage'],
    });
    expect(log.filter((name) => name === 'unwrite')).toHaveLength(4);
    expect(tasks.filter(({ step }) => step === 'write').slice(1)).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
      { attempt: 3 },
      { attempt: 4 },
    ]);
  });

  it.each([
    ['unpublish', 'publish', ['write', 'stage']],
    ['unwrite', 'write', ['publish', 'stage']],
    ['unstage', 'stage', ['publish', 'write']],
  ])('goes on when %s fails for good, and names it', async (agent, step, compensated) => {
    const { machine } = staged({ publisher: 1, [agent]: 9 }, { compensationAttempts: 1 });
    const running = start(machine, 'i');
    expect(await outputOf(running)).toEqual({
      status: 'compensation-failed',
      completed: ['stage', 'check', 'write'],
      compensated,
      results: { stage: 'stager did it', check: 'checker did it', write: 'writer did it' },
      failure: failure('publish', 'publisher'),
      cancelled: false,
      left: [{ ...failure(step, agent), compensate: agent }],
    });
    expect([...running.actor.getSnapshot().tags]).toEqual(['compensation-failed']);
  });

  it('lets the running step end when it is cancelled, then undoes it too', async () => {
    const { machine, log } = staged();
    const running = start(machine, 'i');
    await waitFor(running.actor, (now) => now.matches({ do: 'write' }));
    running.actor.send({ type: 'cancel' });
    expect(running.actor.getSnapshot().context).toMatchObject({
      status: 'running',
      step: 'write',
      cancelled: true,
    });
    expect(await outputOf(running)).toMatchObject({
      status: 'compensated',
      completed: ['stage', 'check', 'write'],
      compensated: ['write', 'stage'],
      failure: null,
      cancelled: true,
    });
    expect(log).toEqual(['stager', 'checker', 'writer', 'unwrite', 'unstage']);
  });

  it('undoes the last step too when it is cancelled in it, and ignores a cancel while undoing', async () => {
    const { machine } = staged({ unpublish: 1 }, { backoffMs: 10 });
    const running = start(machine, 'i');
    await waitFor(running.actor, (now) => now.matches({ do: 'publish' }));
    running.actor.send({ type: 'cancel' });
    await waitFor(running.actor, (now) => now.matches({ undo: { publish: 'waiting' } }));
    const before = running.actor.getSnapshot();
    running.actor.send({ type: 'cancel' });
    expect(running.actor.getSnapshot().value).toEqual(before.value);
    running.clock.increment(10);
    expect(await outputOf(running)).toMatchObject({
      status: 'compensated',
      compensated: ['publish', 'write', 'stage'],
    });
  });

  it('is compensated without a compensation when it is cancelled before anything needs one', async () => {
    const { machine } = staged({}, {}, [
      { name: 'one', agent: 'a' },
      { name: 'two', agent: 'b' },
    ]);
    const running = start(machine, 'i');
    running.actor.send({ type: 'cancel' });
    expect(await outputOf(running)).toMatchObject({
      status: 'compensated',
      completed: ['one'],
      compensated: [],
    });
  });
});

describe('a saga in durable turns', () => {
  const names = STEPS.flatMap((step) =>
    'compensate' in step ? [step.agent, step.compensate] : [step.agent],
  );
  const registry = {
    agents: Object.fromEntries(names.map((name) => [name, { deadlineMs: 5_000 }])),
    machines: {},
  };
  const open = (actor: TestActor) =>
    Object.entries(actor.state?.executions ?? {})[0] ?? ['', { childId: '' }];

  it('asks for one task at a time and waits with a timer', () => {
    const actor = new TestActor(saga({ steps: STEPS, backoffMs: 700 }), { registry });
    const fail = () => {
      const error = { code: 'TASK_FAILED', message: 'no' };
      return actor.take({ kind: 'reply', execution: open(actor)[0], outcome: { status: 'error', error } });
    };
    actor.start('i');
    expect(open(actor)[1].childId).toBe('do.stage');
    expect(open(actor)[1]).not.toHaveProperty('cancel');
    actor.reply(open(actor)[0], 'staged');
    expect(actor.context).toMatchObject({ step: 'check', results: { stage: 'staged' } });
    const undoing = fail().effects.map(({ effect }) => effect);
    expect(open(actor)[1].childId).toBe('undo.stage');
    // It is undone to its end, also where the saga is stopped meanwhile.
    expect(open(actor)[1]).toMatchObject({ cancel: 'ignore' });
    expect(undoing.find(({ kind }) => kind === 'task')).toMatchObject({ cancel: 'ignore' });
    const { effects } = fail();
    expect(actor.value).toEqual({ undo: { stage: 'waiting' } });
    const timer = effects.map(({ effect }) => effect).find(({ kind }) => kind === 'timer');
    expect(timer).toMatchObject({ dueAt: actor.now + 700 });
    actor.now += 700;
    if (timer?.kind === 'timer') actor.take({ kind: 'timer', token: timer.token });
    actor.reply(open(actor)[0], null);
    expect(actor.state).toMatchObject({
      status: 'done',
      output: {
        status: 'compensated',
        compensated: ['stage'],
        failure: { step: 'check', error: { code: 'TASK_FAILED' } },
      },
    });
  });
});

describe('the options of a saga', () => {
  const step = { name: 'a', agent: 'x' };
  it.each([
    ['no steps', { steps: [] }],
    ['a dot in a name', { steps: [{ ...step, name: 'a.b' }] }],
    ['a dot in the id', { steps: [step], id: 'my.saga' }],
    ['a step twice', { steps: [step, step] }],
    ['no attempt', { steps: [step], compensationAttempts: 0 }],
    ['a negative delay', { steps: [step], backoffMs: -1 }],
  ])('refuse %s', (_, options) => {
    expect(() => saga(options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
