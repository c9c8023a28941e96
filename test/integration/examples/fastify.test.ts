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
    expect(await call('PUT', '/orders/1', tea)).toEqual({ status: 201, body: { answer: 'started' } });
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
