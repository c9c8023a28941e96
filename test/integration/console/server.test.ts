// The console over HTTP as its page uses it: who may ask what, what is answered, what is done and with which audit line.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { livingAt } from '../../../src/console/check/living.ts';
import type { Console } from '../../../src/console/console.ts';
import type { ActorDetail, ActorNow, ActorPage, Changes, Letters } from '../../../src/console/protocol.ts';
import type { Logger } from '../../../src/contract/ports.ts';
import { serveConsole, TOKENS } from '../../kit/console.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const audit: Record<string, unknown>[] = [];
const logger: Logger = {
  debug: () => {},
  info: (message, fields) => void (message === 'console' && audit.push({ ...fields })),
  warn: () => {},
  error: () => {},
};
let test: TestRuntime<never>;
let served: Console;

beforeAll(async () => {
  test = await startRuntime<never>({
    machines: { counter: app('counter.machine.ts', 'counter') },
    index: true,
  } as never);
  served = await serveConsole(test.data, { basePath: '/console', logger, entra: true });
});
afterAll(async () => {
  await served.close();
  await test[Symbol.asyncDispose]();
});

type Role = keyof typeof TOKENS;

function ask(path: string, role: Role | null = 'reader', init: RequestInit = {}): Promise<Response> {
  const headers = {
    ...(role === null ? {} : { authorization: `Bearer ${TOKENS[role]}` }),
    ...(init.headers as Record<string, string> | undefined),
  };
  return fetch(`${served.url}api/${path}`, { ...init, headers });
}
async function get<T>(path: string, role?: Role): Promise<T> {
  const response = await ask(path, role);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}
const post = (path: string, body: object, role: Role = 'operator', more: RequestInit = {}) =>
  ask(path, role, { method: 'POST', body: JSON.stringify(body), ...more });

describe('the console', () => {
  it('shows actors, one of them, and what its holder says now', async () => {
    const { client } = test.runtime;
    await client.start('counter' as never, { id: 'a/b c' } as never);
    await client.send('counter' as never, 'a/b c', { type: 'add', by: 2 });
    const path = `actors/counter/${encodeURIComponent('a/b c')}`;
    await expect.poll(async () => (await ask(path)).status).toBe(200);
    await expect.poll(async () => (await get<ActorDetail>(path)).actor.turn).toBe(2);
    const { steps, gaps } = await get<ActorDetail>(path);
    expect(steps.map(({ event, value }) => [event, value])).toEqual([
      ['xstate.init', 'counting'],
      ['add', 'counting'],
    ]);
    expect(gaps).toEqual([]);
    const now = await get<ActorNow>(`${path}/now`);
    expect(now.snapshot.context).toMatchObject({ count: 2 });
    expect(now.events).toEqual(['add', 'boom', 'finish']);
    expect((await get<ActorPage>('actors?text=a/b')).count).toBe(1);
    expect(await (await ask('types/counter/chart.svg')).text()).toContain('<svg');
  });

  it('tells which rows have changed', async () => {
    const stop = new AbortController();
    const response = await ask('changes', 'reader', { signal: stop.signal });
    const reader = (response.body ?? expect.fail('no body')).pipeThrough(new TextDecoderStream()).getReader();
    await test.runtime.client.start('counter' as never, { id: 'told' } as never);
    let text = '';
    while (!text.includes('counter/told')) text += (await reader.read()).value ?? expect.fail('it has ended');
    const [, data = ''] = /data: (.*told.*)\n/.exec(text) ?? [];
    expect(JSON.parse(data) as Changes).toMatchObject({ addresses: ['counter/told'] });
    stop.abort();
  });

  it.each([
    ['no token', null, {}, 401, 'CONSOLE_TOKEN_NEEDED'],
    ['a wrong token', null, { authorization: `Bearer ${'x'.repeat(16)}` }, 401, 'CONSOLE_TOKEN_NEEDED'],
    ['a page of another site', 'reader', { 'sec-fetch-site': 'cross-site' }, 403, 'CONSOLE_FORBIDDEN'],
    ['a page of another origin', 'reader', { origin: 'http://evil.example' }, 403, 'CONSOLE_FORBIDDEN'],
  ] as const)('shows nothing to %s', async (_name, role, headers, status, code) => {
    const response = await fetch(`${served.url}api/actors`, {
      headers: { ...(role === null ? {} : { authorization: `Bearer ${TOKENS[role]}` }), ...headers },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, fix: expect.any(String) as string } });
  });

  it('lets a role do what it may, and says what it may not', async () => {
    const { client } = test.runtime;
    await client.start('counter' as never, { id: 'done' } as never);
    const refused = await post('actors/counter/done/send', { event: { type: 'finish' } }, 'reader');
    expect(refused.status).toBe(403);
    const sent = await post('actors/counter/done/send', { event: { type: 'finish' } });
    expect(await sent.json()).toEqual({
      done: 'sent',
      line: `quorate actors send counter/done '{"type":"finish"}'`,
    });
    await expect.poll(async () => (await client.query('counter' as never, 'done')).status).toBe('done');
    expect((await post('actors/counter/done/purge', {})).status).toBe(403);
    expect((await post('actors/counter/done/purge', {}, 'admin')).status).toBe(200);
    expect(audit).toContainEqual({
      who: 'operator token',
      role: 'operator',
      action: 'POST actors/counter/done/send',
      outcome: 'done',
    });
  });

  it('knows who a proxy has signed in, by the app roles that they have', async () => {
    const principal = (role: string): string =>
      Buffer.from(JSON.stringify({ role_typ: 'roles', claims: [{ typ: 'roles', val: role }] })).toString(
        'base64',
      );
    const me = (role: string) =>
      ask('me', null, {
        headers: {
          'x-ms-client-principal': principal(role),
          'x-ms-client-principal-name': 'ada@example.com',
        },
      });
    expect(await (await me('quorate.operator')).json()).toMatchObject({
      name: 'ada@example.com',
      role: 'operator',
      broker: 'embedded',
    });
    expect((await me('somebody')).status).toBe(401);
  });

  it.each([
    ['actors?limit=0', 400],
    ['actors?text=ab', 400],
    ['actors?unknown=1', 400],
    ['actors/counter/%E0%A4%A', 400],
    ['actors/counter/nobody', 404],
    ['actors/counter/nobody/now', 404],
    ['nothing', 404],
  ])('answers %s with %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
  });

  it.each([
    ['what is no JSON', '{', 400],
    ['an event without a type', '{"event":{}}', 400],
    ['more than it takes', JSON.stringify({ event: { type: 'x', pad: 'x'.repeat(2_000_000) } }), 400],
  ])('refuses %s', async (_name, body, status) => {
    expect((await ask('actors/counter/a/send', 'operator', { method: 'POST', body })).status).toBe(status);
  });

  it('groups dead letters, and says what their redrive would come to', async () => {
    const { client } = test.runtime;
    for (let at = 0; at < 3; at++) await client.send('counter' as never, 'absent', { type: 'add', by: 1 });
    await expect
      .poll(async () => (await get<Letters>('letters')).groups, { timeout: 20_000 })
      .toMatchObject([{ code: 'ACTOR_NOT_FOUND', of: 'counter', count: 3 }]);
    const { letters } = await get<Letters>('letters');
    const numbers = letters.map(({ number }) => number);
    const response = await post('letters/redrive', { numbers, dryRun: true });
    expect(await response.json()).toMatchObject({
      done: [{ outcome: 'would-redrive' }, { outcome: 'would-redrive' }, { outcome: 'would-redrive' }],
      line: `quorate dlq redrive ${numbers.join(' ')} --dry-run`,
    });
  });

  it('tells a pipeline which actors live, if it has a token', async () => {
    const { client } = test.runtime;
    await client.start('counter' as never, { id: 'lives' } as never);
    const mine = async () =>
      (await livingAt(served.url, TOKENS.reader)).states.find(({ type }) => type === 'counter');
    await expect.poll(mine).toMatchObject({ version: '1', value: 'counting' });
    expect((await livingAt(served.url, TOKENS.reader)).machines).toMatchObject([
      { type: 'counter', version: '1' },
    ]);
    await expect(livingAt(served.url, undefined)).rejects.toMatchObject({ code: 'CONSOLE_TOKEN_NEEDED' });
    await expect(livingAt('http://127.0.0.1:9', undefined)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
    });
  });

  it('keeps views', async () => {
    await ask('views/mine', 'operator', { method: 'PUT', body: JSON.stringify({ query: 'shown=error' }) });
    expect(await get('views')).toEqual([{ name: 'mine', query: 'shown=error' }]);
    await ask('views/mine', 'operator', { method: 'DELETE' });
    expect(await get('views')).toEqual([]);
  });
});
