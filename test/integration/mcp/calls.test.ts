// Calls of tools of a server that misbehaves on demand: time-outs, cancels, ends, and what is left of its process.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { OTLP_KIND } from '../../../otel/otlp.ts';
import { callTool } from '../../../src/mcp/call.ts';
import { closeServer, serverPid } from '../../../src/mcp/connections.ts';
import type { McpServer } from '../../../src/mcp/servers.ts';
import { isAlive, ownServer } from '../../kit/mcp/servers.ts';
import { startOtlpSink } from '../../kit/otlp-sink.ts';

const server = ownServer('calls');
const opened: McpServer[] = [server];

afterAll(() => Promise.all(opened.map(closeServer)));

function another(name: string, ...args: readonly string[]): McpServer {
  const own = ownServer(name, ...args);
  opened.push(own);
  return own;
}

function pidOf(of: McpServer): number {
  const pid = serverPid(of);
  if (pid === undefined) throw new Error('it is not open');
  return pid;
}

async function seen(
  of: McpServer,
): Promise<{ pid: number; cancelled: number; calls: Record<string, number> }> {
  return (await callTool(of, { tool: 'seen' })).structured as never;
}

it('calls share one process, which gets the key of the task', async () => {
  const call = { tool: 'echo', arguments: { word: 'one' } };
  const [first, second] = await Promise.all([callTool(server, call, { key: 'k1' }), callTool(server, call)]);
  const meta = { 'quorate/idempotency-key': 'k1' };
  expect(JSON.parse(first.text)).toEqual({ args: { word: 'one' }, _meta: meta });
  expect(JSON.parse(second.text)).toEqual({ args: { word: 'one' }, _meta: {} });
  expect((await seen(server)).pid).toBe(pidOf(server));
});

it('prefers what is structured to the text beside it', async () => {
  const { value, text } = await callTool(server, { tool: 'seen' });
  expect(text).toBe('seen');
  expect(value).toMatchObject({ pid: pidOf(server) });
});

it('progress keeps a call alive beyond its silence, and its own overall time ends it all the same', async () => {
  const steps: number[] = [];
  const onProgress = ({ progress }: { progress: number }): void => void steps.push(progress);
  const call = { tool: 'progress', arguments: { steps: 20, everyMs: 60 }, silenceMs: 1_000, onProgress };
  expect(await callTool(server, call)).toMatchObject({ text: 'reported' });
  // What comes with the answer may come too late to be told.
  expect(steps.slice(0, 19)).toEqual(Array.from({ length: 19 }, (_, step) => step + 1));
  const failed = { code: 'MCP_SERVER_FAILED', failure: { kind: 'transient' } };
  await expect(callTool(server, { ...call, timeoutMs: 250 })).rejects.toMatchObject(failed);
});

describe('cancelling', () => {
  it('is told to the server, once a call, and leaves no listener', async () => {
    const before = (await seen(server)).cancelled;
    const controller = new AbortController();
    const { signal } = controller;
    for (let n = 0; n < 5; n += 1) await callTool(server, { tool: 'echo' }, { signal });
    const hanging = callTool(server, { tool: 'hang' }, { signal });
    await expect.poll(async () => (await seen(server)).calls['hang']).toBe(1);
    controller.abort(new Error('enough'));
    await expect(hanging).rejects.toMatchObject({ code: 'ABORTED' });
    await expect.poll(async () => (await seen(server)).cancelled).toBe(before + 1);
  });

  it('a slow tool costs its call, and not the server of the others', async () => {
    const pid = pidOf(server);
    await expect(callTool(server, { tool: 'hang', silenceMs: 100 })).rejects.toMatchObject({
      code: 'MCP_SERVER_FAILED',
      failure: { kind: 'transient' },
    });
    expect((await seen(server)).pid).toBe(pid);
  });
});

describe('a server that ends', () => {
  it.each([
    ['die-reading', 'MCP_SERVER_FAILED', 'transient'],
    ['die-unsaid', 'MCP_SERVER_FAILED', 'unknown'],
    ['die-once', 'MCP_OUTCOME_UNKNOWN', 'permanent'],
  ])('while %s runs: %s, %s; and the next call has another', async (tool, code, kind) => {
    const dying = another('dying');
    const { pid } = await seen(dying);
    await expect(callTool(dying, { tool })).rejects.toMatchObject({ code, failure: { kind } });
    expect(isAlive(pid)).toBe(false);
    expect((await seen(dying)).pid).not.toBe(pid);
  });

  it('is judged by who calls, who knows better than the tool', async () => {
    const dying = another('dying');
    const known = { tool: 'die-once', repeatable: true };
    await expect(callTool(dying, known)).rejects.toMatchObject({ failure: { kind: 'transient' } });
  });

  it('killed from outside or stopped for good, it is replaced', async () => {
    const hit = another('hit');
    const { pid } = await seen(hit);
    const killed = callTool(hit, { tool: 'hang' });
    await expect.poll(async () => (await seen(hit)).calls['hang']).toBe(1);
    process.kill(pid, 'SIGKILL');
    await expect(killed).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure: { kind: 'transient' } });

    const { pid: next } = await seen(hit);
    process.kill(next, 'SIGSTOP');
    const stopped = callTool(hit, { tool: 'echo', silenceMs: 200 });
    await expect(stopped).rejects.toMatchObject({
      code: 'MCP_SERVER_FAILED',
      failure: { kind: 'transient' },
    });
    // Asked while it is in doubt: waits for the other instead of hanging with this one.
    expect((await seen(hit)).pid).not.toBe(next);
    await expect.poll(() => isAlive(next)).toBe(false);
  });
});

describe('a process', () => {
  it('goes with its starter, also where it is stopped', async () => {
    const started = another('started', 'start', 'serve');
    const { pid } = await seen(started);
    const starter = pidOf(started);
    expect(pid).not.toBe(starter);
    process.kill(pid, 'SIGSTOP');
    await closeServer(started);
    await expect.poll(() => isAlive(pid) || isAlive(starter)).toBe(false);
  });

  it('goes with ours, also where that ends without a word', async () => {
    const args = [
      '--conditions=quorate-source',
      fileURLToPath(new URL('../../kit/mcp/exiting.js', import.meta.url)),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    await expect.poll(() => isAlive(Number(stdout))).toBe(false);
  });

  it('that does not start says why, and one that is not there is no reason to try again', async () => {
    const broken = another('broken', 'broken');
    await expect(callTool(broken, { tool: 'echo' })).rejects.toMatchObject({
      code: 'MCP_SERVER_FAILED',
      failure: { kind: 'transient' },
      message: expect.stringContaining('no licence for this machine') as string,
    });
    const missing = { command: 'no-such-program-of-anybody' };
    await expect(callTool(missing, { tool: 'echo' })).rejects.toMatchObject({
      failure: { kind: 'permanent' },
    });
  });

  it('that nobody uses closes by itself', async () => {
    const idle = { ...ownServer('idle'), idleMs: 50 };
    const { pid } = await seen(idle);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(serverPid(idle)).toBeUndefined();
  });
});

it('errors of a tool are permanent unless who calls knows better, and so are calls that cannot be right', async () => {
  const failed = { code: 'MCP_TOOL_FAILED', message: expect.stringContaining('the disk is full') as string };
  await expect(callTool(server, { tool: 'fail' })).rejects.toMatchObject({
    ...failed,
    failure: { kind: 'permanent' },
  });
  const again = callTool(server, { tool: 'fail', isRetryable: ({ text }) => text.includes('full') });
  await expect(again).rejects.toMatchObject({ ...failed, failure: { kind: 'transient' } });
  const refused = { code: 'MCP_CALL_REFUSED', failure: { kind: 'permanent' } };
  await expect(callTool(server, { tool: 'nothing' })).rejects.toMatchObject(refused);
  // Its answer does not fit its own output schema, also after the server has said that its tools are others.
  await expect(callTool(server, { tool: 'lie' })).rejects.toMatchObject(refused);
  await callTool(server, { tool: 'change' });
  await expect(callTool(server, { tool: 'lie' })).rejects.toMatchObject(refused);
});

it('gives a program no more of our environment than it needs, and takes answers of any size that can be kept', async () => {
  vi.stubEnv('KEY_OF_OURS', 'secret');
  const own = another('environment');
  const { env } = (await callTool(own, { tool: 'seen' })).structured as { env: string[] };
  expect(env).toContain('KIT');
  expect(env).toContain('PATH');
  expect(env.filter((name) => /KEY|QUORATE|VITEST|NODE_/.test(name))).toEqual([]);
  const bytes = 11_000_000;
  expect((await callTool(own, { tool: 'big', arguments: { bytes } })).text).toHaveLength(bytes);
  vi.unstubAllEnvs();
});

it('a call has a span by the conventions, and its context goes to the server', async () => {
  await using sink = await startOtlpSink();
  const { text } = await callTool(server, { tool: 'echo', arguments: {} }, { key: 'k' });
  const { traceparent, 'quorate/idempotency-key': key } = JSON.parse(text)._meta;
  expect(key).toBe('k');
  await expect(callTool(server, { tool: 'nothing' })).rejects.toMatchObject({ code: 'MCP_CALL_REFUSED' });
  await expect.poll(() => sink.spans.length, { timeout: 10_000 }).toBe(2);
  const [done, refused] = sink.spans;
  expect(done).toMatchObject({
    name: 'tools/call echo',
    kind: OTLP_KIND.client,
    attributes: {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'echo',
    },
  });
  expect(traceparent).toBe(`00-${done?.traceId}-${done?.spanId}-01`);
  expect(refused).toMatchObject({ failed: true, attributes: { 'error.type': 'MCP_CALL_REFUSED' } });
});
