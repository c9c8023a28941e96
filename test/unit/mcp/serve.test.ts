// The tools that serve machines, against a client in place of one: what each asks of it, and what it never does.
import { describe, expect, it } from 'vitest';
import type { OpenAsk } from '../../../src/contract/asks.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Json, JsonObject } from '../../../src/contract/json.ts';
import type { Served } from '../../../src/mcp/serve/follow.ts';
import { formOf } from '../../../src/mcp/serve/forms.ts';
import { servedOf } from '../../../src/mcp/serve/machines.ts';
import { type Call, createTools } from '../../../src/mcp/serve/tools.ts';

const machine = (type: string, definition: Json = {}, events: readonly string[] = []) =>
  ({ machine: { type }, definition, events }) as never;

const ask = (schema: JsonObject | undefined, id = 'order/1#q1.0-a'): OpenAsk =>
  ({
    id,
    question: 'Ship it?',
    openedAt: 0,
    ...(schema === undefined ? {} : { schema }),
  }) as unknown as OpenAsk;

describe('what is served', () => {
  it('is the types of the configuration, in one order, with what their machines say of themselves', () => {
    const input = { type: 'object' };
    const described = [
      machine('ship'),
      machine('order.child'),
      machine('order', { description: 'Takes an order', meta: { input } }, [
        'xstate.done.x',
        'pay',
        '*',
        'add',
      ]),
    ];
    expect(servedOf(described, ['ship', 'order', 'gone'])).toEqual([
      { type: 'order', description: 'Takes an order', input, events: ['add', 'pay'] },
      { type: 'ship', description: undefined, input: undefined, events: [] },
    ]);
  });
});

describe('a form of a question', () => {
  it.each<readonly [JsonObject | undefined, JsonObject | undefined]>([
    [undefined, { type: 'string' }],
    [
      { type: 'string', enum: ['a', 'b'] },
      { type: 'string', enum: ['a', 'b'] },
    ],
    [{ enum: ['a'] }, { type: 'string', enum: ['a'] }],
    [
      { type: 'integer', minimum: 1, maximum: 5 },
      { type: 'integer', minimum: 1, maximum: 5 },
    ],
    [{ type: 'boolean' }, { type: 'boolean' }],
    // What a form cannot show is left out; the actor checks the whole.
    [
      { type: 'string', pattern: '^a', minLength: 1 },
      { type: 'string', minLength: 1 },
    ],
    [{ type: 'array', items: { type: 'string' } }, undefined],
    [{ enum: [1, 2] }, undefined],
    [{ type: 'null' }, undefined],
  ])('%j is the field %j', (schema, field) => {
    const form = formOf(ask(schema));
    if (field === undefined) return expect(form).toBeUndefined();
    expect(form?.schema).toEqual({ type: 'object', properties: { answer: field }, required: ['answer'] });
    expect(form?.read({ answer: 'x' })).toBe('x');
  });

  it('is an object of fields as it is, and none with more inside', () => {
    const flat = {
      type: 'object',
      properties: { to: { type: 'string' }, n: { type: 'number' } },
      required: ['to'],
    };
    const form = formOf(ask(flat));
    expect(form?.schema).toEqual(flat);
    expect(form?.read({ to: 'Rome' })).toEqual({ to: 'Rome' });
    expect(formOf(ask({ type: 'object', properties: { to: { type: 'object' } } }))).toBeUndefined();
  });
});

/** A client whose one actor waits for the answers to its questions. */
function orders(asks: OpenAsk[], refuse?: QuorateError) {
  const done: unknown[] = [];
  const client = {
    start: async (type: string, { id }: { id: string }) => {
      done.push(['start', type, id]);
      return { address: { type, id }, answer: 'started' };
    },
    query: async () => ({
      status: asks.length === 0 ? 'done' : 'active',
      value: 'waiting',
      gathers: [],
      asks: { open: [...asks], closed: [] },
    }),
    send: async (...given: unknown[]) => void done.push(['send', ...given.slice(0, 3)]),
    answer: async (id: string, value: Json, { by }: { by: string }) => {
      if (refuse !== undefined) throw refuse;
      done.push(['answer', id, value, by]);
      asks.splice(
        asks.findIndex((one) => one.id === id),
        1,
      );
    },
  };
  const tools = createTools(servedOf([machine('order')], ['order']), client as unknown as Served);
  const run = (name: string, args: JsonObject, call: Partial<Call> = {}) => {
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`there is no ${name}`);
    const { signal } = new AbortController();
    const tell = (): void => {};
    const whole = { signal, key: undefined, by: 'mcp:t', canAsk: true, answers: new Map(), tell, ...call };
    return tool.run({ type: 'order', id: '1', ...args }, whole);
  };
  return { done, run };
}

describe('starting', () => {
  it('goes by the key of the call, else by that of who calls, else by none that was before', async () => {
    const { done, run } = orders([]);
    await run('start_order', { key: 'k', input: 1 }, { key: 'task' });
    await run('start_order', { input: 1 }, { key: 'task' });
    await run('start_order', {});
    await run('start_order', {});
    const ids = done.map((one) => (one as string[])[2]);
    expect(ids.slice(0, 2)).toEqual(['k', 'task']);
    expect(new Set(ids).size).toBe(4);
  });
});

describe('a question', () => {
  it('is asked once a call, and answered by what the person said', async () => {
    const asks = [ask(undefined)];
    const { done, run } = orders(asks);
    const first = await run('result', {});
    expect(first).toEqual({ kind: 'ask', asks });
    const said = new Map([['order/1#q1.0-a', { answer: 'yes' }]]);
    expect(await run('result', {}, { answers: said })).toMatchObject({
      kind: 'done',
      value: { status: 'done' },
    });
    expect(done).toEqual([['answer', 'order/1#q1.0-a', 'yes', 'mcp:t']]);
  });

  it('that the person leaves is shown to the model, and so is one where nobody can be asked, or no form holds it', async () => {
    const shown = { kind: 'done', value: { status: 'active', questions: [{ question: 'Ship it?' }] } };
    const left = new Map([['order/1#q1.0-a', null]]);
    expect(await orders([ask(undefined)]).run('result', {}, { answers: left })).toMatchObject(shown);
    expect(await orders([ask(undefined)]).run('result', {}, { canAsk: false })).toMatchObject(shown);
    expect(await orders([ask({ type: 'array' })]).run('result', {})).toMatchObject(shown);
  });

  it('of another run is not answered through this one, and one that is closed is no error', async () => {
    const foreign = new Map([['other/1#q1.0-a', { answer: 'yes' }]]);
    const { done, run } = orders([ask(undefined)]);
    await run('result', {}, { answers: foreign });
    expect(done).toEqual([]);
    const said = new Map([['order/1#q1.0-a', { answer: 'yes' }]]);
    const closed = orders([ask(undefined)], new QuorateError('ASK_CLOSED', 'bob was faster'));
    await expect(closed.run('result', {}, { answers: said })).resolves.toMatchObject({ kind: 'done' });
    const invalid = orders([ask(undefined)], new QuorateError('ANSWER_INVALID', 'no'));
    await expect(invalid.run('result', {}, { answers: said })).rejects.toMatchObject({
      code: 'ANSWER_INVALID',
    });
  });
});

it('an event for a run that has ended is refused, and not sent to be a dead letter', async () => {
  const ended = orders([]);
  const event = { type: 'pay' };
  await expect(ended.run('send', { event })).rejects.toMatchObject({ code: 'ACTOR_ENDED' });
  expect(ended.done).toEqual([]);
  const active = orders([ask(undefined)]);
  await active.run('send', { event });
  expect(active.done).toEqual([['send', 'order', '1', event]]);
});
