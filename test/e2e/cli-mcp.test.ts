// `quorate mcp` over stdio, as a program that a client starts: stdout is the protocol's alone, the end of stdin ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { expect, it } from 'vitest';
import { BIN } from './cli-process.ts';

const APPS = new URL('../fixtures/apps/', import.meta.url);
const approval = { module: new URL('approval.machine.ts', APPS).href, export: 'approval', version: '1' };

it('serves an application that it starts, asks the person in its client, and one that runs elsewhere', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-cli-mcp-'));
  const config = join(folder, 'quorate.config.ts');
  await writeFile(
    config,
    `console.log('a careless module');
    export default { machines: { approval: ${JSON.stringify(approval)} }, agents: { write: { run: (topic) => 'about ' + topic } } };`,
  );
  const env = {
    QUORATE_PORT: '0',
    QUORATE_INSPECTOR_PORT: '0',
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
  };
  const args = [BIN, 'mcp', '--config', config, '--data', join(folder, 'data')];
  const transport = new StdioClientTransport({ command: process.execPath, args: [...args, '--start'], env });
  const client = new Client({ name: 'desk', version: '1' }, { capabilities: { elicitation: {} } });
  const asked: string[] = [];
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { answer: 'publish' } };
  });
  try {
    await client.connect(transport);
    const start = { name: 'start_approval', arguments: { key: 'one', input: { topic: 'newts' } } };
    expect((await client.callTool(start)).structuredContent).toMatchObject({ answer: 'started' });
    const follow = { name: 'result', arguments: { type: 'approval', id: 'one' } };
    const { structuredContent } = await client.callTool(follow, { timeout: 100_000 });
    expect(structuredContent).toMatchObject({
      status: 'done',
      output: { draft: 'about newts', verdict: 'publish' },
    });
    expect(asked).toEqual(["Publish 'about newts'?"]);

    const joined = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    };
    const say = (message: object): void =>
      void joined.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    say({ id: 1, method: 'initialize', params: initialize });
    say({ method: 'notifications/initialized' });
    say({
      id: 2,
      method: 'tools/call',
      params: { name: 'status', arguments: { type: 'approval', id: 'one' } },
    });
    let said = '';
    for await (const chunk of joined.stdout) {
      said += String(chunk);
      if (said.includes('"id":2')) joined.stdin.end();
    }
    const messages = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly id: number; readonly result: object });
    expect(messages.map(({ id }) => id)).toEqual([1, 2]);
    expect(messages[1]?.result).toMatchObject({ structuredContent: { status: 'done' } });
    if (joined.exitCode === null) await once(joined, 'exit');
    expect(joined.exitCode).toBe(0);
  } finally {
    await client.close();
    await rm(folder, { recursive: true, force: true });
  }
});
