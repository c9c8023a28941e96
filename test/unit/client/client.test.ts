import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { Bridge } from '../../../src/contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../../src/contract/wire.ts';
import { inbound } from '../../kit/inbound.ts';
import { memoryPayloads, memoryStreams } from '../../kit/memory-storage.ts';
import { NO_JSON } from '../../kit/no-json.ts';

interface Setting {
  /** The broker's word on a send; by default it is accepted. */
  readonly onPublish?: (message: WireMessage) => void;
}

function setUp({ onPublish = () => {} }: Setting = {}) {
  const sent: WireMessage[] = [];
  let deliver: ((message: InboundMessage) => void) | undefined;
  let stopped = 0;
  const bridge = {
    publish: async (messages: readonly WireMessage[]) => {
      messages.forEach(onPublish);
      sent.push(...messages);
      return messages.map(() => ({}));
    },
    listSessions: async () => ({ ids: [], listed: 0 }),
    deferredStore: () => ({ browse: async () => [] }),
    pumpNamedSession: ({ onMessage }: { onMessage: (message: InboundMessage) => void }) => {
      deliver = onMessage;
      // The reply session is never held in these tests: nothing may wait for it.
      return { ready: new Promise<void>(() => {}), active: 0, stop: async () => void stopped++ };
    },
  } as unknown as Bridge;
  const answer = (request: WireMessage | undefined, body: Json): void => {
    const asked = request?.body as { asker: { correlationId: string } } | undefined;
    if (asked !== undefined) deliver?.(inbound('answer', body, { correlationId: asked.asker.correlationId }));
  };
  const client = createClient({
    bridge,
    payloads: memoryPayloads(),
    streams: async () => memoryStreams(),
    machineTypes: ['m'],
  });
  return { client, sent, answer, stops: () => stopped };
}

const outcome = (output: Json): Json => ({
  kind: 'answer',
  answer: 'outcome',
  outcome: { status: 'done', output },
});

describe('run', () => {
  const started: Json = { kind: 'answer', answer: 'started' };
  const failed = (code: string): Json => ({
    kind: 'answer',
    answer: 'error',
    error: { code, message: 'on purpose' },
  });

  it('sends the start and the wait together, in this order, and gives the output', async () => {
    const { client, sent, answer } = setUp();
    const output = client.run('m', { id: '1', input: 7 as never });
    await expect.poll(() => sent.map(({ subject }) => subject)).toEqual(['start', 'await']);
    answer(sent[0], started);
    answer(sent[1], outcome(8));
    expect(await output).toBe(8);
  });

  it('throws why there is no actor rather than that there is none', async () => {
    const { client, sent, answer } = setUp();
    const output = expect(client.run('m', { id: '1' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect.poll(() => sent).toHaveLength(2);
    answer(sent[1], failed('ACTOR_NOT_FOUND'));
    answer(sent[0], failed('INPUT_INVALID'));
    await output;
  });

  it('waits anew where the wait came before the start', async () => {
    const { client, sent, answer } = setUp();
    const output = client.run('m', { id: '1' });
    await expect.poll(() => sent).toHaveLength(2);
    answer(sent[1], failed('ACTOR_NOT_FOUND'));
    answer(sent[0], started);
    await expect.poll(() => sent).toHaveLength(3);
    answer(sent[2], outcome('late'));
    expect(await output).toBe('late');
  });

  it('insists on its input, which start does not, and waits no longer than its start', async () => {
    const { client, sent, answer } = setUp();
    const conflict = client.run('m', { id: '1', input: 7 as never });
    const refused = expect(conflict).rejects.toMatchObject({ code: 'START_CONFLICT' });
    await expect.poll(() => sent).toHaveLength(2);
    expect(sent[0]?.properties).toMatchObject({ 'quorate-same-input': true });
    answer(sent[0], failed('START_CONFLICT'));
    await refused;
    void client.start('m', { id: '1' }).catch(() => {});
    await expect.poll(() => sent).toHaveLength(3);
    expect(sent[2]?.properties).not.toHaveProperty('quorate-same-input');
    await client.close();
  });

  it('throws what the actor ended with', async () => {
    const { client, sent, answer } = setUp();
    const output = expect(client.run('m', { id: '1' })).rejects.toMatchObject({ code: 'TASK_FAILED' });
    await expect.poll(() => sent).toHaveLength(2);
    answer(sent[0], started);
    answer(sent[1], {
      kind: 'answer',
      answer: 'outcome',
      outcome: { status: 'error', error: { code: 'TASK_FAILED', message: 'on purpose' } },
    });
    await output;
  });
});

describe('a request', () => {
  it('says at once what the broker refuses, not that its time is over', async () => {
    const { client } = setUp({
      onPublish: () => {
        throw new QuorateError('UNAUTHORIZED', 'wrong key');
      },
    });
    await expect(client.start('m', { id: '1' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(client.query('m', '1')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(client.result('m', '1')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(client.send('m', '1', { type: 'x' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('ends with its time, its signal or its client', async () => {
    const { client } = setUp();
    await expect(client.result('m', '1', { timeoutMs: 5 })).rejects.toMatchObject({ code: 'RESULT_TIMEOUT' });
    const control = new AbortController();
    const aborted = client.query('m', '1', { signal: control.signal });
    control.abort(new Error('changed my mind'));
    await expect(aborted).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('changed my mind'),
      cause: { message: 'changed my mind' },
    });
    for (const call of [
      () => client.query('m', '1', { signal: AbortSignal.abort() }),
      () => client.send('m', '1', { type: 'x' }, { signal: AbortSignal.abort() }),
      () => client.cancel('m', '1', { signal: AbortSignal.abort() }),
      () => client.watch('m', '1', { signal: AbortSignal.abort() }).next(),
      () => client.deadLetters.list({ signal: AbortSignal.abort() }),
    ])
      await expect(call()).rejects.toMatchObject({ name: 'QuorateError', code: 'ABORTED' });
    const open = client.result('m', '1');
    const closed = expect(open).rejects.toMatchObject({ code: 'ABORTED' });
    await client.close();
    await closed;
  });

  it('that is closed begins nothing more, and ends its watches', async () => {
    const { client, sent } = setUp();
    const watch = client.watch('m', '1');
    const next = watch.next();
    await expect.poll(() => sent.length).toBe(1);
    await client.close();
    expect(await next).toMatchObject({ done: true });
    expect(sent.map(({ body }) => (body as { leaseMs?: number }).leaseMs)).toEqual([60_000, 0]);
    const refused = { code: 'ABORTED' };
    await expect(client.send('m', '1', { type: 'go' })).rejects.toMatchObject(refused);
    await expect(client.start('m', { id: '1' })).rejects.toMatchObject(refused);
    await expect(client.actors.list('m')).rejects.toMatchObject(refused);
    await expect(client.deadLetters.list()).rejects.toMatchObject(refused);
    await expect(client.watch('m', '1').next()).rejects.toMatchObject(refused);
    expect(sent).toHaveLength(2);
  });

  it('may be given all the time there is', async () => {
    const { client, sent, answer } = setUp();
    const result = client.result('m', '1', { timeoutMs: Number.POSITIVE_INFINITY });
    await expect.poll(() => sent.length).toBe(1);
    answer(sent[0], outcome('late'));
    expect(await result).toBe('late');
  });

  it('for an unknown type or an id that no session can have is refused before it is sent', async () => {
    const { client, sent } = setUp();
    await expect(client.start('other', { id: '1' })).rejects.toMatchObject({ code: 'MACHINE_NOT_FOUND' });
    await expect(client.query('m', 'x'.repeat(129))).rejects.toMatchObject({ code: 'ACTOR_ID_INVALID' });
    await expect(client.send('m', '', { type: 'x' })).rejects.toMatchObject({ code: 'ACTOR_ID_INVALID' });
    expect(sent).toEqual([]);
  });
});

describe('an actor id that no session can have', () => {
  it.each([undefined, '', 'a\nb', '\ud800', 'x'.repeat(129)])(
    'is refused by every call: %j',
    async (given) => {
      const { client, sent } = setUp();
      const id = given as string;
      for (const call of [
        () => client.start('m', { id }),
        () => client.run('m', { id }),
        () => client.send('m', id, { type: 'x' }),
        () => client.query('m', id),
        () => client.result('m', id),
        () => client.watch('m', id).next(),
        () => client.cancel('m', id),
        () => client.actors.release('m', id),
        () => client.actors.purge('m', id),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'ACTOR_ID_INVALID' });
      expect(sent).toEqual([]);
    },
  );
});

describe('a value that JSON would change', () => {
  it.each(NO_JSON)('is refused before it is sent, with its path: $name', async ({ make, fault }) => {
    const { client, sent } = setUp();
    const input = make() as never;
    const refused = { code: 'INPUT_INVALID', message: expect.stringContaining(`m/1: input${fault}`) };
    await expect(client.start('m', { id: '1', input })).rejects.toMatchObject(refused);
    await expect(client.run('m', { id: '1', input })).rejects.toMatchObject(refused);
    await expect(client.send('m', '1', { type: 'x', v: make() })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(`m/1: event.v${fault}`),
    });
    await expect(client.send('m', '1', { type: 'x' }, { start: { input: make() } })).rejects.toMatchObject(
      refused,
    );
    expect(sent).toEqual([]);
  });
});

describe('on whose behalf', () => {
  const acme = { tenant: 'acme', priority: 'low' } as const;

  it('travels with each kind of start', async () => {
    const { client, sent } = setUp();
    await client.send('m', '1', { type: 'x' }, { start: acme, key: 'k' });
    await client.start('m', { id: '1', ...acme, timeoutMs: 0 }).catch(() => {});
    await client.run('m', { id: '1', ...acme, timeoutMs: 0 }).catch(() => {});
    const starts = sent.filter(({ subject }) => subject !== 'await');
    expect(starts.map(({ subject }) => subject)).toEqual(['event', 'start', 'start']);
    for (const { properties } of starts)
      expect(properties).toMatchObject({ 'quorate-tenant': 'acme', 'quorate-priority': 'low' });
  });

  it.each([{ tenant: '' }, { tenant: 1 as never }, { priority: 'urgent' as never }])(
    'is checked before anything is sent: %j',
    async (wrong) => {
      const { client, sent } = setUp();
      const refused = { code: 'INPUT_INVALID' };
      await expect(client.start('m', { id: '1', ...wrong })).rejects.toMatchObject(refused);
      await expect(client.run('m', { id: '1', ...wrong })).rejects.toMatchObject(refused);
      await expect(client.send('m', '1', { type: 'x' }, { start: wrong })).rejects.toMatchObject(refused);
      expect(sent).toEqual([]);
    },
  );
});

describe('a time-out that is no time', () => {
  it.each([Number.NaN, -1, -Infinity, '5' as never])('is refused: %s', async (timeoutMs) => {
    const { client, sent } = setUp();
    const refused = { code: 'INPUT_INVALID', message: expect.stringContaining('timeoutMs') };
    await expect(client.query('m', '1', { timeoutMs })).rejects.toMatchObject(refused);
    await expect(client.result('m', '1', { timeoutMs })).rejects.toMatchObject(refused);
    await expect(client.start('m', { id: '1', timeoutMs })).rejects.toMatchObject(refused);
    expect(sent).toEqual([]);
  });

  it.each([2 ** 31, Number.MAX_SAFE_INTEGER, Infinity])('however long waits: %s', async (timeoutMs) => {
    const { client, sent, answer } = setUp();
    const query = client.query('m', '1', { timeoutMs });
    await expect.poll(() => sent.length).toBe(1);
    expect(Number.isSafeInteger(sent[0]?.properties?.['quorate-patience'])).toBe(true);
    answer(sent[0], { kind: 'answer', answer: 'snapshot', snapshot: { turn: 3 } });
    expect(await query).toMatchObject({ turn: 3 });
  });
});

describe('result()', () => {
  it('asked for twice at once is answered twice', async () => {
    const { client, sent, answer } = setUp();
    const both = [client.result('m', '1'), client.result('m', '1')];
    await expect.poll(() => sent.length).toBe(2);
    answer(sent[0], outcome(7));
    expect(await Promise.all(both)).toEqual([7, 7]);
  });

  it('asked for over and over waits under one name, so that the actor’s state does not grow', async () => {
    const { client, sent } = setUp();
    for (let time = 0; time < 3; time++)
      await client.result('m', '1', { timeoutMs: 2 }).catch(() => undefined);
    await client.result('m', '2', { timeoutMs: 2 }).catch(() => undefined);
    const names = sent.map(
      ({ body }) => (body as unknown as { asker: { correlationId: string } }).asker.correlationId,
    );
    expect(new Set(names).size).toBe(2);
  });

  it('throws the actor’s own error', async () => {
    const { client, sent, answer } = setUp();
    const result = client.result('m', '1');
    await expect.poll(() => sent.length).toBe(1);
    answer(sent[0], {
      kind: 'answer',
      answer: 'outcome',
      outcome: { status: 'error', error: { code: 'SOLD_OUT', message: 'no seats' } },
    });
    await expect(result).rejects.toMatchObject({ code: 'SOLD_OUT', message: 'no seats' });
  });
});

describe('send()', () => {
  it('under the caller’s key has an id that follows from it, never the key itself (I3)', async () => {
    const { client, sent } = setUp();
    await client.send('m', '1', { type: 'x' }, { key: 'order-7' });
    await client.send('m', '1', { type: 'x' }, { key: 'order-7' });
    await client.send('m', '2', { type: 'x' }, { key: 'order-7' });
    await client.send('m', '1', { type: 'x' });
    const ids = sent.map(({ messageId }) => messageId);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).not.toContain('order-7');
  });

  it('carries in one message what its actor is to be started with', async () => {
    const { client, sent } = setUp();
    await client.send('m', '1', { type: 'x' }, { start: { input: { a: 1 } } });
    await client.send('m', '1', { type: 'x' }, { start: {}, key: 'k' });
    await client.send('m', '1', { type: 'x' });
    expect(sent.map(({ body }) => body)).toEqual([
      { kind: 'event', event: { type: 'x' }, start: { input: { a: 1 } } },
      { kind: 'event', event: { type: 'x' }, start: { input: null } },
      { kind: 'event', event: { type: 'x' } },
    ]);
  });
});
