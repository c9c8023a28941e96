// The Fastify example as its own users would call it: over HTTP, on an embedded broker of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createService } from '../../../examples/fastify/service.ts';

let data: string;
let app: FastifyInstance;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-fastify-'));
  app = await createService({ data, port: 0 });
});
afterAll(async () => {
  await app.close();
  await rm(data, { recursive: true, force: true });
});

const call = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) => {
  const response = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  return { status: response.statusCode, body: response.body === '' ? undefined : response.json<object>() };
};
const tea = { item: 'tea', amount: 3 };

describe('the service', () => {
  it('takes an order once, shows it, and streams its transitions to the end', async () => {
    await expect.poll(async () => (await call('GET', '/readyz')).status).toBe(200);
    expect(await call('PUT', '/orders/1', tea)).toMatchObject({ status: 201, body: { answer: 'started' } });
    expect((await call('PUT', '/orders/1', tea)).status).toBe(200);
    await expect
      .poll(async () => (await call('GET', '/orders/1')).body)
      .toEqual({ value: 'paid', receipt: expect.stringMatching(/^tea:/) });
    const stream = app.inject('/orders/1/transitions');
    expect((await call('POST', '/orders/1/shipped')).status).toBe(202);
    const values = (await stream).body
      .trim()
      .split('\n\n')
      .map((line) => (JSON.parse(line.slice('data: '.length)) as { value: string }).value);
    expect(values.at(-1)).toBe('delivered');
  });

  it('streams to who has a ticket, from the event that he had last', async () => {
    const { ticket } = (await call('PUT', '/orders/5', tea)).body as { ticket: string };
    const other = ((await call('PUT', '/orders/6', tea)).body as { ticket: string }).ticket;
    for (const wrong of ['', '?ticket=1.x', `?ticket=${other}`, `?ticket=9${ticket}`])
      expect((await call('GET', `/orders/5/stream${wrong}`)).status).toBe(403);
    await expect.poll(async () => (await call('GET', '/orders/5')).body).toMatchObject({ value: 'paid' });
    await call('POST', '/orders/5/shipped');
    const read = async (headers = {}) => {
      const {
        body,
        statusCode,
        headers: given,
      } = await app.inject({
        url: `/orders/5/stream?ticket=${ticket}`,
        headers,
      });
      expect([statusCode, given['content-type']]).toEqual([200, 'text/event-stream']);
      return body.trim().split('\n\n');
    };
    const events = await read();
    expect(events.map((event) => /^event: (.*)$/m.exec(event)?.[1])).toEqual([
      'piece',
      'piece',
      'ended',
      'end',
    ]);
    expect(events[0]).toContain('"value":"asking the bank for tea"');
    const [, id = ''] = /^id: (.*)$/m.exec(events[0] ?? '') ?? [];
    expect(await read({ 'last-event-id': id })).toEqual(events.slice(1));
    const bad = await app.inject({
      url: `/orders/5/stream?ticket=${ticket}`,
      headers: { 'last-event-id': 'x' },
    });
    expect([bad.statusCode, bad.json<object>()]).toEqual([400, { code: 'INPUT_INVALID' }]);
  });

  it('ends the stream of a reader who hangs up', async () => {
    const { ticket } = (await call('PUT', '/orders/7', tea)).body as { ticket: string };
    const address = await app.listen({ port: 0 });
    const hangUp = new AbortController();
    const response = await fetch(`${address}/orders/7/stream?ticket=${ticket}`, { signal: hangUp.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('asking the bank');
    hangUp.abort();
    await call('POST', '/orders/7/shipped');
    // The service closes without waiting for it (afterAll).
  });

  it('cancels an order, and knows none that was never placed', async () => {
    await call('PUT', '/orders/2', tea);
    expect((await call('DELETE', '/orders/2')).body).toEqual({ answer: 'cancelled' });
    expect(await call('GET', '/orders/3')).toEqual({ status: 404, body: { code: 'ACTOR_NOT_FOUND' } });
  });

  it('lives beside another of its kind in one process', async () => {
    const otherData = await mkdtemp(join(tmpdir(), 'quorate-fastify-'));
    const other = await createService({ data: otherData, port: 0 });
    try {
      await call('PUT', '/orders/4', tea);
      expect((await other.inject('/orders/4')).statusCode).toBe(404);
    } finally {
      await other.close();
      await rm(otherData, { recursive: true, force: true });
    }
    await expect.poll(async () => (await call('GET', '/orders/4')).body).toMatchObject({ value: 'paid' });
  });
});
