// Questions to people in turns: a state that is entered asks, an answer counts once and only while its question is open.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { AnswerSchema, Ask } from '../../../../src/contract/asks.ts';
import type { TurnInput } from '../../../../src/contract/turn.ts';
import { NOW, TestActor } from './turns.ts';

type Context = { readonly found: number; readonly said: unknown };

const approve: Ask<Context> = {
  question: ({ context }) => `Publish ${context.found} findings?`,
  choices: ['yes', 'no'],
};

const types = {} as {
  context: Context;
  events:
    | { type: 'answer'; answer: unknown; by?: string; byDefault?: boolean }
    | { type: 'find' | 'back' | 'skip' };
};

function machineOf(ask: Ask<Context>) {
  return setup({ types }).createMachine({
    context: { found: 3, said: null },
    initial: 'working',
    states: {
      working: {
        on: { find: { target: 'asking', actions: assign({ found: ({ context }) => context.found + 1 }) } },
      },
      asking: {
        meta: { ask },
        on: {
          answer: { target: 'done', actions: assign({ said: ({ event }) => event }) },
          back: { target: 'asking', reenter: true },
          skip: 'working',
        },
      },
      done: {},
    },
  });
}

const asker = { entity: 'replies', sessionId: 'client', correlationId: 'c' };
const respond = (value: unknown, ask?: string, by?: string): TurnInput => ({
  kind: 'respond',
  value: value as never,
  asker,
  ...(ask === undefined ? {} : { ask }),
  ...(by === undefined ? {} : { by }),
});
const sendOf = (type: string): TurnInput => ({ kind: 'event', event: { type } });

function asking(ask: Ask<Context> = approve): TestActor {
  const actor = new TestActor(machineOf(ask));
  actor.start(null);
  actor.take(sendOf('find'));
  return actor;
}

const openOf = (actor: TestActor) => actor.state?.asks?.open ?? {};
const onlyOf = (actor: TestActor) => Object.keys(openOf(actor))[0] as string;
const contextOf = (actor: TestActor) => actor.context as unknown as Context;

describe('a state with meta.ask', () => {
  it('opens a question as it is entered, made of the context, and adds nothing before', () => {
    const actor = new TestActor(machineOf(approve));
    actor.start(null);
    expect(actor.state).not.toHaveProperty('asks');
    actor.take(sendOf('find'));
    expect(Object.values(openOf(actor))).toEqual([
      {
        state: 'asking',
        question: 'Publish 4 findings?',
        choices: ['yes', 'no'],
        event: 'answer',
        openedAt: NOW,
      },
    ]);
    expect(onlyOf(actor)).toBe('q2.0-life-1');
  });

  it('takes one answer, as an event that says who gave it', () => {
    const actor = asking();
    const ask = onlyOf(actor);
    const { verdicts } = actor.take(respond('yes', ask, 'ann'), respond('no', ask, 'ben'));
    expect(verdicts).toMatchObject([{ kind: 'applied' }, { kind: 'refused', error: { code: 'ASK_CLOSED' } }]);
    expect(JSON.stringify(verdicts)).toContain('was answered by ann');
    expect(contextOf(actor).said).toEqual({ type: 'answer', answer: 'yes', by: 'ann' });
    expect(actor.state?.asks).toMatchObject({
      open: {},
      closed: [{ ask, how: 'answered', by: 'ann', answer: 'yes' }],
    });
  });

  it('closes the question when its state is left, and opens another when it is entered again', () => {
    const actor = asking();
    const first = onlyOf(actor);
    actor.take(sendOf('back'));
    const second = onlyOf(actor);
    expect(second).not.toBe(first);
    expect(actor.take(respond('yes', first)).verdicts).toMatchObject([{ error: { code: 'ASK_CLOSED' } }]);
    actor.take(sendOf('skip'));
    expect(openOf(actor)).toEqual({});
    expect(actor.state?.asks?.closed.map(({ ask, how }) => [ask, how])).toEqual([
      [first, 'left'],
      [second, 'left'],
    ]);
  });

  it('keeps nothing of a question that nobody can have seen', () => {
    const actor = new TestActor(
      setup({}).createMachine({
        initial: 'a',
        states: {
          a: { meta: { ask: { question: 'Really?' } }, always: 'b', on: { answer: 'b' } },
          b: { meta: { ask: { question: 'Sure?' } }, on: { answer: 'c' } },
          c: {},
        },
      }),
    );
    actor.start(null);
    expect(Object.values(openOf(actor)).map(({ question }) => question)).toEqual(['Sure?']);
    expect(actor.state?.asks?.closed).toEqual([]);
  });

  it('has one for each parallel state, and asks which one is meant', () => {
    const side = (event: string) => ({
      initial: 'asking',
      states: {
        asking: { meta: { ask: { question: `${event}?`, event } }, on: { [event]: 'told' } },
        told: {},
      },
    });
    const actor = new TestActor(
      setup({}).createMachine({ type: 'parallel', states: { left: side('l'), right: side('r') } }),
    );
    actor.start(null);
    const [left = '', right = ''] = Object.keys(openOf(actor));
    expect(actor.take(respond('x')).verdicts).toMatchObject([{ error: { code: 'ASK_AMBIGUOUS' } }]);
    actor.take(respond('x', right));
    expect(Object.keys(openOf(actor))).toEqual([left]);
    expect(actor.take(respond('x')).verdicts).toMatchObject([{ kind: 'applied' }]);
    expect(actor.state?.snapshot).toMatchObject({ value: { left: 'told', right: 'told' } });
  });

  it('answers itself at the deadline, once, unless somebody was faster', () => {
    const actor = asking({ ...approve, deadlineMs: 1_000, default: 'no' });
    const timers = Object.entries(actor.state?.timers ?? {});
    expect(timers).toMatchObject([[expect.any(String), { dueAt: NOW + 1_000, what: { kind: 'ask' } }]]);
    expect(Object.values(openOf(actor))).toMatchObject([{ deadlineAt: NOW + 1_000, default: 'no' }]);
    const [[token] = ['']] = timers;
    actor.take({ kind: 'timer', token });
    expect(contextOf(actor).said).toEqual({ type: 'answer', answer: 'no', byDefault: true });
    expect(actor.state?.asks?.closed).toMatchObject([{ how: 'default', answer: 'no' }]);
    expect(actor.take({ kind: 'timer', token }).verdicts).toMatchObject([{ kind: 'stale' }]);

    const faster = asking({ ...approve, deadlineMs: 1_000, default: 'no' });
    const batch = faster.take(respond('yes'));
    expect(batch.effects.map(({ effect }) => effect.kind)).toEqual(['cancelTimer']);
    expect(faster.state?.timers).toEqual({});
  });

  it('stays open beyond a deadline that has no answer', () => {
    const actor = asking({ ...approve, deadlineMs: 1_000 });
    expect(actor.state?.timers).toEqual({});
    expect(actor.take(respond('yes')).verdicts).toEqual([{ kind: 'applied' }]);
  });

  it('closes with its actor, whose end is the answer to who answers then', () => {
    const actor = asking();
    actor.take({ kind: 'stop' });
    expect(actor.state?.asks).toMatchObject({ open: {}, closed: [{ how: 'ended' }] });
    expect(actor.take(respond('yes')).verdicts).toMatchObject([{ kind: 'ended' }]);
  });

  it('of another version that is not there any more is withdrawn at the next turn', () => {
    const actor = asking({ ...approve, deadlineMs: 1_000, default: 'no' });
    const before = actor.state;
    const state = { ...before, snapshot: { ...(before?.snapshot as object), value: 'working' } };
    Object.assign(actor, { state });
    actor.take(sendOf('back'));
    expect(actor.state?.asks).toMatchObject({ open: {}, closed: [{ how: 'left' }] });
    expect(actor.state?.timers).toEqual({});
  });
});

describe('an answer', () => {
  const form = {
    type: 'object',
    properties: { ok: { type: 'boolean' } },
    required: ['ok'],
    additionalProperties: false,
  };
  const zod = z.object({ ok: z.boolean(), note: z.string().default('none') }) as unknown as AnswerSchema;

  it.each([
    ['a text', {}, 'fine', ''],
    ['a text', {}, { ok: true }, 'answer must be of type string'],
    ['a choice', { choices: ['yes', 'no'] }, 'maybe', 'answer must be one of "yes", "no"'],
    ['JSON Schema', { schema: form }, { ok: true }, ''],
    ['JSON Schema', { schema: form }, { ok: 1 }, 'answer.ok must be of type boolean'],
    ['JSON Schema', { schema: form }, { ok: true, x: 1 }, "answer must not have 'x'"],
    ['a Standard Schema', { schema: zod }, { ok: 'x' }, 'answer.ok: Invalid input'],
  ])('is checked as %s', (_what, more, value, why) => {
    const actor = asking({ question: 'So?', ...more });
    const before = JSON.stringify(actor.state);
    const [verdict] = actor.take(respond(value)).verdicts;
    if (why === '') return expect(verdict).toEqual({ kind: 'applied' });
    expect(verdict).toMatchObject({ kind: 'refused', error: { code: 'ANSWER_INVALID' } });
    expect(JSON.stringify(verdict)).toContain(JSON.stringify(why).slice(1, -1));
    expect(JSON.stringify(actor.state)).toBe(before);
  });

  it('is what its Standard Schema makes of it, and people see the schema', () => {
    const actor = asking({ question: 'So?', schema: zod });
    expect(Object.values(openOf(actor))).toMatchObject([{ schema: { type: 'object', required: ['ok'] } }]);
    actor.take(respond({ ok: true }));
    expect(contextOf(actor).said).toEqual({ type: 'answer', answer: { ok: true, note: 'none' } });
  });

  it('that the machine takes no notice of is refused, and the question stays open', () => {
    const actor = new TestActor(
      setup({
        types: {},
        guards: { isKnown: ({ event }) => event.answer === 'x' },
      }).createMachine({
        initial: 'asking',
        states: {
          asking: {
            meta: { ask: { question: 'Which?' } },
            on: { answer: { guard: 'isKnown', target: 'told' } },
          },
          told: {},
        },
      }),
    );
    actor.start(null);
    const before = JSON.stringify(actor.state);
    expect(actor.take(respond('y')).verdicts).toMatchObject([
      { kind: 'refused', error: { code: 'ANSWER_INVALID' } },
    ]);
    expect(JSON.stringify(actor.state)).toBe(before);
    expect(actor.take(respond('x')).verdicts).toEqual([{ kind: 'applied' }]);
  });

  it('that is refused, or at which the machine throws, leaves its question open for what comes behind it', () => {
    const chosen = {} as { events: { type: 'answer'; answer: string } | { type: 'again' } };
    const actor = new TestActor(
      setup({
        types: chosen,
        actions: {
          fail: assign(() => {
            throw new Error('no');
          }),
        },
        guards: { is: ({ event }, value: string) => event.type === 'answer' && event.answer === value },
      }).createMachine({
        initial: 'asking',
        states: {
          asking: {
            meta: { ask: { question: 'Which?' } },
            on: {
              answer: [
                {
                  guard: { type: 'is', params: 'throw' },
                  target: 'asking',
                  reenter: true,
                  actions: 'fail',
                },
                { guard: { type: 'is', params: 'good' }, target: 'told' },
              ],
            },
          },
          told: {},
        },
      }),
    );
    actor.start(null);
    const ask = onlyOf(actor);
    const kinds = actor
      .take(respond('bad', ask), respond('throw', ask), sendOf('again'), respond('good', ask))
      .verdicts.map(({ kind }) => kind);
    expect(kinds).toEqual(['refused', 'rejected', 'applied', 'applied']);
    expect(actor.state?.asks?.closed.map(({ how }) => how)).toEqual(['answered']);
    expect(actor.value).toBe('told');
  });

  it('to an actor that asks nothing is refused', () => {
    const actor = new TestActor(machineOf(approve));
    expect(actor.take(respond('x')).verdicts).toEqual([{ kind: 'unknown' }]);
    actor.start(null);
    expect(actor.take(respond('x')).verdicts).toMatchObject([
      { kind: 'refused', error: { code: 'ASK_CLOSED', message: 'no question is open' } },
    ]);
  });
});

it('in whatever order events, answers and deadlines come, a question is open where its state is, and each closes once', () => {
  const step = fc.oneof(
    fc.constantFrom('find', 'back', 'skip').map(sendOf),
    fc.tuple(fc.constantFrom('yes', 'no', 'maybe'), fc.nat(3)).map(([value, nth]) => ({ value, nth })),
    fc.constant('deadline' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const actor = new TestActor(machineOf({ ...approve, deadlineMs: 10, default: 'no' }));
      actor.start(null);
      const seen: string[] = [];
      for (const one of steps) {
        const [token = 'none'] = Object.keys(actor.state?.timers ?? {});
        if (one === 'deadline') actor.take({ kind: 'timer', token });
        else actor.take('nth' in one ? respond(one.value, seen.at(-1 - one.nth) ?? 'q0.0-none') : one);
        const open = Object.keys(openOf(actor));
        seen.push(...open.filter((ask) => !seen.includes(ask)));
        const closed = actor.state?.asks?.closed.map(({ ask }) => ask) ?? [];
        expect(open.length).toBe(actor.value === 'asking' ? 1 : 0);
        expect(new Set([...closed, ...open]).size).toBe(closed.length + open.length);
        expect(Object.keys(actor.state?.timers ?? {}).length).toBe(open.length);
      }
    }),
    { numRuns: 40 },
  );
});
