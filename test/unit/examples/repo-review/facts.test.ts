// The reviewer that asks a real MCP server, in a process of its own.
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { facts, judgeFacts } from '../../../../examples/repo-review/agents/facts.ts';
import {
  callFileTool,
  closeFileServers,
  fileServerPid,
} from '../../../../examples/repo-review/lib/mcp-server.ts';
import { agentContext, findingsOf, places, taskFor, temporaryFolder, workplace } from './kit.ts';

const signal = new AbortController().signal;

afterEach(closeFileServers);

async function folderWith(files: Record<string, readonly [text: string, mode: number]>): Promise<string> {
  const root = await temporaryFolder();
  for (const [name, [text, mode]] of Object.entries(files)) {
    await writeFile(join(root, name), text);
    await chmod(join(root, name), mode);
  }
  return root;
}

describe('facts', () => {
  test.skipIf(process.platform === 'win32')('judges what get_file_info says', async () => {
    const place = await workplace(
      await folderWith({
        'open.txt': ['x', 0o666],
        'run.sh': ['echo', 0o755],
        'fine.sh': ['#!/bin/sh', 0o755],
        'a.js': ['', 0o644],
      }),
    );
    for (const name of ['open.txt', 'run.sh', 'fine.sh', 'a.js', 'gone.js']) {
      await facts(taskFor(place, name), agentContext({ key: name }));
    }
    expect(places(await findingsOf(facts, place, 'gone.js')).sort()).toEqual([
      'a.js:1 empty-file low',
      'open.txt:1 world-writable medium',
      'run.sh:1 needless-execute low',
    ]);
  });

  test('keeps one process, and starts another when it died', async () => {
    const root = await folderWith({ 'a.txt': ['hello', 0o644] });
    const ask = () =>
      callFileTool(root, { name: 'get_file_info', arguments: { path: join(root, 'a.txt') } }, signal);
    expect(await ask()).toContain('size: 5');
    const first = await fileServerPid(root);
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(await fileServerPid(root)).toBe(first);
    if (first === null) throw new Error('a server must be running');
    process.kill(first, 'SIGKILL');
    await expect.poll(async () => ask().catch(() => 'failed')).toContain('size: 5');
    expect(await fileServerPid(root)).not.toBe(first);
  });

  test('a refusal of the tool is a coded failure that may be tried again', async () => {
    const root = await temporaryFolder();
    const outside = callFileTool(root, { name: 'get_file_info', arguments: { path: '/etc/hosts' } }, signal);
    await expect(outside).rejects.toMatchObject({ code: 'MCP_TOOL_FAILED', retryable: true });
  });

  test('a server that cannot start is one too', async () => {
    const nowhere = join(await temporaryFolder(), 'nowhere');
    const call = callFileTool(nowhere, { name: 'get_file_info', arguments: { path: nowhere } }, signal);
    await expect(call).rejects.toMatchObject({ code: 'MCP_TOOL_FAILED' });
    expect(await fileServerPid(nowhere)).toBeNull();
  });

  test('Windows has no permissions to judge', () => {
    expect(judgeFacts('a.sh', { size: 1, permissions: 0o777 }, '', 'win32')).toEqual([]);
    expect(judgeFacts('a.js', { size: 300_000, permissions: 0o644 }, '', 'linux')).toMatchObject([
      { rule: 'large-file' },
    ]);
  });
});
