// Machines as tools, driven by the official client: over HTTP in both generations of the protocol, and what a browser may not do.
// And a tool as an agent, in the same runtime.
import { request } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpAgent } from '../../../src/mcp/agent.ts';
import { callTool } from '../../../src/mcp/call.ts';
import { closeServer, serverPid } from '../../../src/mcp/connections.ts';
import { listen, type McpEndpoint } from '../../../src/mcp/serve/http-server.ts';
import { servedOf } from '../../../src/mcp/serve/machines.ts';
import { createFace } from '../../../src/mcp/serve/sdk-server.ts';
import { createTools } from '../../../src/mcp/serve/tools.ts';
import { isAlive, ownServer } from '../../kit/mcp/servers.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const program = ownServer('agents');
let killed: number | undefined;
const gates = new Map<string, PromiseWithResolvers<void>>();

const config = {
  machines: {
    approval: app('approval.machine.ts', 'approval'),
    asker: app('asker.machine.ts', 'asker'),
  },
  agents: {
    oracle: {
      ...mcpAgent<string, string>({
        server: program,
        tool: 'progress',
        arguments: (question) => ({ steps: question === 'lost' ? 40 : 1, everyMs: 5 }),
        // Once: the second attempt has another server.
        onProgress: (_, { attempt }) => {
          const pid = serverPid(program);
          if (attempt === 1 && pid !== undefined && killed === undefined)
            process.kill((killed = pid), 'SIGKILL');
        },
        output: ({ text }, question) => `${question}: ${text}`,
      }),
      retry: { backoffMs: 1 },
    },
    write: {
      run: async (topic: string) => {
        await gates.get(topic)?.promise;
        return `about ${topic}`;
      },
    },
  },
};

let test: TestRuntime<typeof config>;
let endpoint: McpEndpoint;

beforeAll(async () => {
  test = await startRuntime(config);
  const { client, info } = test.runtime;
  const machines = servedOf(info.machines as never, ['approval']);
  endpoint = await listen((await createFace(createTools(machines, client), '1')).http(), 0);
});

afterAll(async () => {
  await endpoint?.close();
  await test?.[Symbol.asyncDispose]();
});

const GENERATIONS = ['2025-11-25', '2026-07-28'] as const;
type Generation = (typeof GENERATIONS)[number];

async function connect(generation: Generation, answer?: () => Record<string, string>): Promise<Client> {
  const client = new Client(
    { name: 'tester', version: '1' },
    {
      ...(generation === '2026-07-28' ? { versionNegotiation: { mode: { pin: generation } } } : {}),
      ...(answer === undefined ? {} : { capabilities: { elicitation: { form: {} } } }),
    },
  );
  if (answer !== undefined) {
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: answer() }));
  }
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint.url)));
  return client;
}

async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  onprogress?: (message: string) => void,
) {
  const progress = onprogress === undefined ? {} : { onprogress: ({ message = '' }) => onprogress(message) };
  return client.callTool({ name, arguments: args }, progress);
}

describe.each(GENERATIONS)('over HTTP, %s', (generation) => {
  it('lists tools in a fixed order, each machine with the schema of its input', async () => {
    const client = await connect(generation);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'start_approval',
      'result',
      'status',
      'send',
      'questions',
      'answer',
      'cancel',
    ]);
    expect(tools[0]).toMatchObject({
      description: expect.stringContaining('have a person approve it') as string,
      inputSchema: { required: ['input'], properties: { input: { required: ['topic'] } } },
      annotations: { idempotentHint: true, readOnlyHint: false },
    });
    expect(tools[3]?.description).toContain('approval: answer, hurry.');
    await client.close();
  });

  it('starts, tells how far it is, shows the question, takes the answer, gives the result', async () => {
    const topic = `foxes ${generation}`;
    gates.set(topic, Promise.withResolvers());
    const client = await connect(generation);
    const id = `run-${generation}`;
    const start = { key: id, input: { topic } };
    expect((await call(client, 'start_approval', start)).structuredContent).toMatchObject({
      id,
      answer: 'started',
    });
    expect((await call(client, 'start_approval', start)).structuredContent).toMatchObject({
      id,
      answer: 'exists',
    });
    const run = { type: 'approval', id };
    const early = await call(client, 'result', { ...run, waitSeconds: 0 });
    expect(early.structuredContent).toMatchObject({ status: 'active', state: 'writing' });
    await call(client, 'send', { ...run, event: { type: 'hurry' }, key: 'once' });
    const told: string[] = [];
    const following = call(client, 'result', run, (message) => {
      told.push(message);
      gates.get(topic)?.resolve();
    });
    const { structuredContent } = await following;
    expect(told[0]).toBe('writing');
    const [question] = (structuredContent as { questions: { id: string; question: string }[] }).questions;
    expect(question).toMatchObject({ question: `Publish 'about ${topic}'?`, choices: ['publish', 'keep'] });
    const bad = await call(client, 'answer', { question: question?.id, answer: 'burn' });
    expect(bad).toMatchObject({ isError: true, structuredContent: { error: { code: 'ANSWER_INVALID' } } });
    await call(client, 'answer', { question: question?.id, answer: 'keep', by: 'ann' });
    expect((await call(client, 'result', run)).structuredContent).toMatchObject({
      status: 'done',
      output: { draft: `about ${topic}`, verdict: 'keep' },
    });
    await client.close();
  });

  it('says what is wrong by code: an unknown run, an ended one, bad arguments', async () => {
    const client = await connect(generation);
    const code = async (name: string, args: Record<string, unknown>): Promise<unknown> => {
      const { isError, content } = await call(client, name, args);
      expect(isError).toBe(true);
      return (content as { text: string }[])[0]?.text;
    };
    const nobody = { type: 'approval', id: 'nobody' };
    expect(await code('status', nobody)).toMatch(/^ACTOR_NOT_FOUND: .*\n./);
    expect(await code('send', { ...nobody, event: { type: 'hurry' } })).toMatch(/^ACTOR_NOT_FOUND/);
    expect(await code('status', { type: 'other', id: 'x' })).toMatch(/^INPUT_INVALID: status: .*type/);
    expect(await code('start_approval', { input: { topic: '' } })).toMatch(/^INPUT_INVALID: .*topic/);
    const { structuredContent } = await call(client, 'start_approval', { input: { topic: 'a' } });
    const { id } = structuredContent as { id: string };
    expect((await call(client, 'cancel', { type: 'approval', id })).structuredContent).toMatchObject({
      answer: 'cancelled',
    });
    expect(await code('send', { type: 'approval', id, event: { type: 'hurry' } })).toMatch(/^ACTOR_ENDED/);
    await client.close();
  });
});

it('asks the person by a form where the client has them, and the run ends in the same call', async () => {
  const client = await connect('2026-07-28', () => ({ answer: 'publish' }));
  await call(client, 'start_approval', { key: 'asked', input: { topic: 'owls' } });
  const { structuredContent } = await call(client, 'result', { type: 'approval', id: 'asked' });
  expect(structuredContent).toMatchObject({ status: 'done', output: { verdict: 'publish' } });
  const { closed } = await test.runtime.client.asks({ closed: true });
  expect(closed.find(({ actor }) => actor.id === 'asked')).toMatchObject({
    by: 'mcp:tester',
    answer: 'publish',
  });
  await client.close();
});

it('an agent of another application that asks again with its key has one run', async () => {
  const server = { url: endpoint.url };
  const start = { tool: 'start_approval', arguments: { input: { topic: 'ants' } } };
  const first = await callTool(server, start, { key: 'task-1' });
  const again = await callTool(server, start, { key: 'task-1' });
  expect([first.value, again.value]).toMatchObject([
    { id: 'task-1', answer: 'started' },
    { id: 'task-1', answer: 'exists' },
  ]);
  const missing = callTool(server, { tool: 'status', arguments: { type: 'approval', id: 'nobody' } });
  await expect(missing).rejects.toMatchObject({
    code: 'MCP_TOOL_FAILED',
    message: expect.stringContaining('ACTOR_NOT_FOUND') as string,
  });
  await closeServer(server);
});

it('a call that its client gives up is followed no more', async () => {
  const client = await connect('2026-07-28');
  gates.set('slow', Promise.withResolvers());
  await call(client, 'start_approval', { key: 'slow', input: { topic: 'slow' } });
  for (let n = 0; n < 20; n += 1) {
    const following = client.callTool(
      { name: 'result', arguments: { type: 'approval', id: 'slow' } },
      { timeout: 30, onprogress: () => {} },
    );
    await expect(following).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
  }
  // Of the older generation, which has no other way to say it without a session: it hangs up.
  const params = { name: 'result', arguments: { type: 'approval', id: 'slow' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  for (let n = 0; n < 20; n += 1) {
    const following = fetch(endpoint.url, { method: 'POST', headers, body, signal: AbortSignal.timeout(30) });
    await expect(following.then((response) => response.text())).rejects.toThrow();
  }
  // There is room for 16 followers: those that left have made it.
  const late = call(client, 'result', { type: 'approval', id: 'slow', waitSeconds: 0.1 });
  expect((await late).structuredContent).toMatchObject({ status: 'active' });
  gates.get('slow')?.resolve();
  await client.close();
});

describe('answers programs of this machine alone', () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  const ask = (headers: Record<string, string>, text = body, path = '/mcp'): Promise<number> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(endpoint.url);
      const all = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      };
      const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers: all }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.once('error', reject);
      asked.end(text);
    });

  it.each([
    ['a client', {}, 200],
    ['a page of this machine', { origin: 'http://localhost:6274' }, 200],
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['an origin that is none', { origin: 'null' }, 403],
    ['a name that was bound to this machine', { host: 'evil.example' }, 403],
  ])('%s: %j %i', async (_, headers, status) => {
    expect(await ask(headers)).toBe(status);
  });

  it('and no body without end', async () => {
    expect(await ask({}, `{"a":"${'x'.repeat(5_000_000)}"}`)).toBe(413);
    expect(await ask({}, body, '/other')).toBe(404);
  });
});

it('a tool as an agent answers a machine, survives the loss of its server, and goes with the runtime', async () => {
  const { client } = test.runtime;
  for (const question of ['lost', 'easy']) {
    const answer = await client.run('asker', { id: question, input: { question } });
    expect(answer).toEqual({ answer: `${question}: reported` });
  }
  expect(killed).toBeGreaterThan(0);
  const pid = serverPid(program) ?? 0;
  expect(isAlive(pid)).toBe(true);
  await test.runtime.stop();
  expect(isAlive(pid)).toBe(false);
});
