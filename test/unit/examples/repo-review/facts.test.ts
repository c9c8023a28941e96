// The reviewer that asks a real MCP server, in a process of its own.
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callTool } from 'quorate/mcp';
import { afterEach, describe, expect, test } from 'vitest';
import { facts, fileServer, judgeFacts } from '../../../../examples/repo-review/agents/facts.ts';
import { agentContext, findingsOf, places, taskFor, temporaryFolder, workplace } from './kit.ts';

afterEach(() => facts.close?.());

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
      await facts.run(taskFor(place, name), agentContext({ key: name }));
    }
    expect(places(await findingsOf(facts.run, place, 'gone.js')).sort()).toEqual([
      'a.js:1 empty-file low',
      'open.txt:1 world-writable medium',
      'run.sh:1 needless-execute low',
    ]);
  });

  test('looks at nothing outside of the folder', async () => {
    const outside = callTool(fileServer(await temporaryFolder()), {
      tool: 'get_file_info',
      arguments: { path: '/etc/hosts' },
    });
    await expect(outside).rejects.toMatchObject({ code: 'MCP_TOOL_FAILED', failure: { kind: 'permanent' } });
  });

  test('Windows has no permissions to judge', () => {
    expect(judgeFacts('a.sh', { size: 1, permissions: 0o777 }, '', 'win32')).toEqual([]);
    expect(judgeFacts('a.js', { size: 300_000, permissions: 0o644 }, '', 'linux')).toMatchObject([
      { rule: 'large-file' },
    ]);
  });
});
