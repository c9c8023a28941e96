// `mcpAgent` in a runtime: a machine asks a tool, a server that is lost costs an attempt, and a runtime that stops takes the server along.
import { expect, it } from 'vitest';
import { mcpAgent } from '../../../src/mcp/agent.ts';
import { serverPid } from '../../../src/mcp/connections.ts';
import { isAlive, ownServer } from '../../kit/mcp/servers.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const server = ownServer('agents');

it('answers a machine, survives the loss of its server, and leaves no process behind', async () => {
  let last: number | undefined;
  const oracle = mcpAgent<string, string>({
    server,
    tool: 'progress',
    arguments: (question) => ({ steps: question === 'lost' ? 40 : 1, everyMs: 5 }),
    // Once: the second attempt has another server.
    onProgress: (_, { attempt }) => {
      const pid = serverPid(server);
      if (attempt === 1 && pid !== undefined && last === undefined) process.kill((last = pid), 'SIGKILL');
    },
    output: ({ text }, question) => `${question}: ${text}`,
  });
  const test = await startRuntime({
    machines: { asker: app('asker.machine.ts', 'asker') },
    agents: { oracle: { ...oracle, retry: { backoffMs: 1 } } },
  });
  try {
    const { client } = test.runtime;
    expect(await client.run('asker', { id: 'lost', input: { question: 'lost' } })).toEqual({
      answer: 'lost: reported',
    });
    expect(await client.run('asker', { id: 'easy', input: { question: 'easy' } })).toEqual({
      answer: 'easy: reported',
    });
  } finally {
    last = serverPid(server);
    await test[Symbol.asyncDispose]();
  }
  expect(last).toBeGreaterThan(0);
  expect(isAlive(last ?? 0)).toBe(false);
});
