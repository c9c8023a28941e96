import { afterEach, describe, expect, it } from 'vitest';
import { MALFORMED_URLS, statusOf } from '../../../packages/broker/test/kit/malformed-urls.ts';
import type { Health } from '../../../src/contract/runtime.ts';
import { createHealthServer, type HealthServer } from '../../../src/observability/health.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

async function get(path: string): Promise<[number, unknown]> {
  const response = await fetch(`${server?.url}${path}`);
  return [response.status, await response.json()];
}

describe('the health port', () => {
  it('says that the process lives, and whether it is ready', async () => {
    let health: Health = { ready: true };
    server = await createHealthServer({ port: 0, host: '127.0.0.1', health: () => health });
    expect(await get('/healthz')).toEqual([200, { ready: true }]);
    expect(await get('/readyz?probe=1')).toEqual([200, { ready: true }]);
    health = { ready: false, why: 'it is stopping' };
    expect(await get('/readyz')).toEqual([503, { ready: false, why: 'it is stopping' }]);
    expect((await get('/healthz'))[0]).toBe(200);
    expect((await get('/other'))[0]).toBe(404);
    for (const url of MALFORMED_URLS) expect(await statusOf(Number(new URL(server.url).port), url)).toBe(404);
  });

  it('that is taken is one clear error', async () => {
    server = await createHealthServer({ port: 0, host: '127.0.0.1', health: () => ({ ready: true }) });
    const port = Number(new URL(server.url).port);
    await expect(
      createHealthServer({ port, host: '127.0.0.1', health: () => ({ ready: true }) }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
