import { afterEach, describe, expect, it } from 'vitest';
import { MALFORMED_URLS, statusOf } from '../../../packages/broker/test/kit/malformed-urls.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Health } from '../../../src/contract/runtime.ts';
import { createHealthServer, type HealthServer } from '../../../src/observability/health.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

const rest = {
  metrics: () => '# TYPE a counter\na 1\n',
  scale: async (agent: string) => {
    if (agent === 'broken') throw new QuorateError('CONNECTION_FAILED', 'no broker');
    return agent === 'two words' ? { agent, messages: 3 } : undefined;
  },
};

async function get(path: string): Promise<[number, unknown]> {
  const response = await fetch(`${server?.url}${path}`);
  return [response.status, await response.json()];
}

describe('the health port', () => {
  it('says that the process lives, and whether it is ready', async () => {
    let health: Health = { ready: true };
    server = await createHealthServer({ port: 0, host: '127.0.0.1', health: () => health, ...rest });
    expect(await get('/healthz')).toEqual([200, { ready: true }]);
    expect(await get('/readyz?probe=1')).toEqual([200, { ready: true }]);
    health = { ready: false, why: 'it is stopping' };
    expect(await get('/readyz')).toEqual([503, { ready: false, why: 'it is stopping' }]);
    expect((await get('/healthz'))[0]).toBe(200);
    expect((await get('/other'))[0]).toBe(404);
    for (const url of MALFORMED_URLS) expect(await statusOf(Number(new URL(server.url).port), url)).toBe(404);
  });

  it('has the metrics as text, and what an agent has to do', async () => {
    server = await createHealthServer({
      port: 0,
      host: '127.0.0.1',
      health: () => ({ ready: true }),
      ...rest,
    });
    const metrics = await fetch(`${server.url}/metrics`);
    expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      '# TYPE a counter\na 1\n',
    ]);
    expect(await get('/scale/two%20words')).toEqual([200, { agent: 'two words', messages: 3 }]);
    expect(await get('/scale/other')).toEqual([404, { error: 'there is no such agent here' }]);
    expect(await get('/scale/%E0%A4%A')).toEqual([404, { error: 'there is no such agent here' }]);
    expect(await get('/scale/broken')).toEqual([503, { error: 'CONNECTION_FAILED' }]);
  });

  it('that is taken is one clear error', async () => {
    server = await createHealthServer({
      port: 0,
      host: '127.0.0.1',
      health: () => ({ ready: true }),
      ...rest,
    });
    const port = Number(new URL(server.url).port);
    await expect(
      createHealthServer({ port, host: '127.0.0.1', health: () => ({ ready: true }), ...rest }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
