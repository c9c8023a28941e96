// Questions to people with a real client over a real socket: opened, listed, answered once, closed with their state or their actor.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAsk } from '../../../src/contract/asks.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

let test: TestRuntime<never>;
let client: QuorateClient;

beforeAll(async () => {
  const machines = {
    approval: app('question.machine.ts', 'approval'),
    form: app('question.machine.ts', 'form'),
  };
  test = await startRuntime({ machines });
  client = test.runtime.client;
});
afterAll(() => test[Symbol.asyncDispose]());

const start = (id: string, input: object = {}, type = 'approval') =>
  client.start(type, { id, input: input as never });
/** The list hears of a question when its turn is committed: a moment later. */
const listed = async (id: string, count = 1): Promise<readonly OpenAsk[]> => {
  const mine = async () => (await client.asks()).open.filter(({ actor }) => actor.id === id);
  await expect.poll(async () => (await mine()).length, { interval: 20 }).toBe(count);
  return mine();
};

describe('a question', () => {
  it('is listed while it is open, is answered once, and says who did', async () => {
    await start('one', { what: 'the report' });
    const [question] = await listed('one');
    expect(question).toMatchObject({
      actor: { type: 'approval', id: 'one' },
      question: 'Publish the report?',
      choices: ['yes', 'no'],
      schema: { type: 'string', enum: ['yes', 'no'] },
      default: 'no',
      state: 'asking',
    });
    const { id = '', openedAt = 0, deadlineAt = 0 } = question ?? {};
    expect(id).toMatch(/^approval\/one#q1\.0-[0-9a-f]{8}$/);
    expect(deadlineAt - openedAt).toBe(86_400_000);
    expect((await client.query('approval', 'one')).asks?.open).toEqual([question]);

    await expect(client.answer(id, 'maybe')).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    // Two people at once: one wins, the other is told who was faster.
    const both = await Promise.allSettled([
      client.answer(id, 'yes', { by: 'ann' }),
      client.answer(id, 'no', { by: 'ben' }),
    ]);
    const lost = both.flatMap((one) => (one.status === 'rejected' ? [one.reason as { code: string }] : []));
    expect(lost.map(({ code }) => code)).toEqual([expect.stringMatching(/^(ASK_CLOSED|ACTOR_ENDED)$/)]);
    const { said } = (await client.result('approval', 'one')) as { said: { by: string } };
    expect(said).toMatchObject({ type: 'answer', by: both[0]?.status === 'fulfilled' ? 'ann' : 'ben' });
    await listed('one', 0);
    await expect
      .poll(async () => (await client.asks({ type: 'approval', closed: true })).closed, { interval: 20 })
      .toMatchObject([{ id, how: 'answered', by: said.by, question: 'Publish the report?' }]);
  });

  it('takes a form by its schema, and the id of its actor where it is the only one', async () => {
    await start('two', {}, 'form');
    await listed('two');
    await expect(client.answer('form/two', { usd: -1 })).rejects.toMatchObject({
      code: 'ANSWER_INVALID',
      message: expect.stringContaining('answer.usd must be 0 or more'),
    });
    await client.answer('form/two', { usd: 3, why: 'so' });
    expect(await client.query('form', 'two')).toMatchObject({ value: 'decided', asks: { open: [] } });
    await expect(client.answer('form/two', { usd: 3 })).rejects.toMatchObject({ code: 'ASK_CLOSED' });
  });

  it('is another one when its state is entered again, and nobody can answer the former', async () => {
    await start('three');
    const [first] = await listed('three');
    await client.send('approval', 'three', { type: 'withdraw' });
    await listed('three', 0);
    await client.send('approval', 'three', { type: 'withdraw' });
    const [second] = await listed('three');
    expect(second?.id).not.toBe(first?.id);
    await expect(client.answer(first?.id ?? '', 'yes')).rejects.toMatchObject({
      code: 'ASK_CLOSED',
      message: expect.stringContaining('its state was left'),
    });
  });

  it.each(['cancel', 'purge'] as const)('closes with its actor: %s', async (how) => {
    await start(how);
    const [question] = await listed(how);
    if (how === 'cancel') await client.cancel('approval', how);
    else await client.actors.purge('approval', how);
    await listed(how, 0);
    const code = how === 'cancel' ? 'ACTOR_ENDED' : 'ACTOR_NOT_FOUND';
    await expect(client.answer(question?.id ?? '', 'yes')).rejects.toMatchObject({ code });
  });

  it('is told to who watches, as long as it is open', async () => {
    await start('watched');
    const seen: number[] = [];
    for await (const { asks = [], status } of client.watch('approval', 'watched')) {
      seen.push(asks.length);
      if (status === 'active') await client.answer('approval/watched', 'yes');
    }
    expect(seen).toEqual([1, 0]);
  });

  it('that is long is listed as a whole, from its actor', async () => {
    await start('long', { pad: 6_000 });
    const [question] = await listed('long');
    expect(question?.question).toHaveLength(4_096);
    expect(question).toMatchObject({ choices: ['yes', 'no'] });
    await client.answer(question?.id ?? '', 'no');
  });

  it('is looked at without a commit', async () => {
    await start('looked');
    await listed('looked');
    const { commits } = test.runtime.counters().actors;
    for (let look = 0; look < 5; look++) {
      await listed('looked');
      await client.asks({ type: 'approval', closed: true });
    }
    expect(test.runtime.counters().actors.commits).toBe(commits);
  });

  it('comes in pages, over all types', async () => {
    const ids = ['p1', 'p2', 'p3'];
    await Promise.all(ids.flatMap((id) => [start(id), start(id, {}, 'form')]));
    for (const id of ids) await listed(id, 2);
    const all: string[] = [];
    let after: string | undefined;
    do {
      const page = await client.asks({ limit: 2, ...(after === undefined ? {} : { after }) });
      expect(page.open.length).toBeLessThanOrEqual(2);
      all.push(...page.open.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((id) => /\/p\d#/.test(id))).toHaveLength(6);
    expect((await client.asks({ type: 'none' })).open).toEqual([]);
    await expect(client.asks({ after: 'x' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(client.answer('x', 'yes')).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

it('needs no queue where no machine asks', async () => {
  await using plain = await startRuntime({
    machines: { a: app('order.machine.ts', 'order') },
    agents: { charge: { run: () => null }, ship: { run: () => null } },
  });
  expect(await plain.runtime.client.asks()).toEqual({ open: [], closed: [], unlisted: 0 });
});

describe('people hear of a new question', () => {
  const machines = { approval: app('question.machine.ts', 'approval') };

  it('by a URL, which is tried again with the same id until it takes it', async () => {
    const heard: { readonly key: unknown; readonly sent: string; readonly from: unknown }[] = [];
    const both = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      void text(request).then((sent) => {
        const { 'idempotency-key': key, authorization: from } = request.headers;
        heard.push({ key, sent, from });
        response.writeHead(heard.length === 1 ? 503 : 204).end();
        if (heard.length === 2) both.resolve();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/hook`;
    await using one = await startRuntime({
      machines,
      asks: { notify: { url, headers: { authorization: 'Bearer x' } } },
    });
    await one.runtime.client.start('approval', { id: 'hook', input: { what: 'it all' } });
    await both.promise;
    server.close();
    const [first, second] = heard;
    expect(second).toEqual(first);
    expect(first?.from).toBe('Bearer x');
    expect(JSON.parse(first?.sent ?? '')).toMatchObject({ id: first?.key, question: 'Publish it all?' });
    await one.runtime.client.answer(String(first?.key), 'yes');
  });

  it('by an agent', async () => {
    const told = Promise.withResolvers<{ readonly id: string }>();
    const tell = {
      run: (question: { readonly id: string }) => {
        told.resolve(question);
        return null;
      },
    };
    await using one = await startRuntime({
      machines,
      agents: { tell },
      asks: { notify: { agent: 'tell' } },
    });
    await one.runtime.client.start('approval', { id: 'agent', input: {} });
    const { id } = await told.promise;
    await one.runtime.client.answer(id, 'no', { by: 'agent' });
    expect(await one.runtime.client.result('approval', 'agent')).toMatchObject({ said: { by: 'agent' } });
  });
});
