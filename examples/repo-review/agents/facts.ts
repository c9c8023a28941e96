// What the file system says about a file, asked of an MCP server: permissions that are too wide, sizes that tell.
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { AgentContext, Json } from 'quorate';
import { callTool, type McpServer, mcpAgent } from 'quorate/mcp';
import { exists } from '../lib/files.ts';
import { answer, readTask } from '../lib/review-file.ts';
import { asJson } from '../lib/run-folder.ts';
import type { Finding } from '../protocol.ts';

type Found = Omit<Finding, 'file' | 'agent'>;

const require = createRequire(import.meta.url);
const MANIFEST = require.resolve('@modelcontextprotocol/server-filesystem/package.json');
const SERVER = join(dirname(MANIFEST), 'dist', 'index.js');

const LARGE_BYTES = 200_000;
const WRITE = 0o2;
const EXECUTE = 0o111;
const MEANT_EMPTY = /(?:^|\/)(?:\.\w+|__init__\.py|py\.typed)$/;
const SCRIPTS = new Set(['.sh', '.bash', '.py', '.js', '.mjs', '.cjs', '.ts', '.mts', '.rb', '.pl', '']);

export interface FileFacts {
  readonly size: number;
  /** Three octal digits. */
  readonly permissions: number;
}

const info = mcpAgent<Json>({
  server: (input) => fileServer(readTask(input).place.root),
  tool: 'get_file_info',
  arguments: (input) => ({ path: readTask(input).path }),
  // Gone since we looked: the next attempt sees it.
  isRetryable: ({ text }) => text.includes('ENOENT'),
  output: async ({ text }, input, context) => {
    const task = readTask(input);
    const known = parseFacts(text);
    const first = { tool: 'read_text_file', arguments: { path: task.path, head: 1 } };
    const head = isExecutable(known)
      ? (await callTool(fileServer(task.place.root), first, context)).text
      : '';
    const found = judgeFacts(task.file.path, known, head, process.platform);
    return asJson(await answer(task, 'facts', found, context));
  },
});

export const facts = {
  ...info,
  run: async (input: Json, context: AgentContext): Promise<Json> => {
    const task = readTask(input);
    if (await exists(task.path)) return info.run(input, context);
    return asJson(await answer(task, 'facts', [], context));
  },
};

/** One process a folder under review; it may read nothing else. */
export function fileServer(root: string): McpServer {
  return { command: process.execPath, args: [SERVER, root] };
}

/** The server answers in lines of `name: value`. */
function parseFacts(text: string): FileFacts {
  const value = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
  return { size: Number(value('size')), permissions: Number.parseInt(value('permissions'), 8) };
}

const isExecutable = ({ permissions }: FileFacts): boolean => (permissions & EXECUTE) !== 0;

export function judgeFacts(path: string, known: FileFacts, head: string, platform: string): Found[] {
  const found: Found[] = [];
  const add = (rule: string, severity: Found['severity'], message: string): void => {
    found.push({ line: 1, rule, severity, message });
  };
  // Windows has no such permissions: Node makes them up.
  if (platform !== 'win32') {
    const shown = known.permissions.toString(8).padStart(3, '0');
    if ((known.permissions & WRITE) !== 0)
      add('world-writable', 'medium', `Anybody may write to it (${shown})`);
    if (isExecutable(known) && SCRIPTS.has(extname(path)) && !head.startsWith('#!') && known.size > 0) {
      add('needless-execute', 'low', `Executable (${shown}), but its first line names no interpreter`);
    }
  }
  if (known.size > LARGE_BYTES)
    add('large-file', 'low', `${Math.round(known.size / 1_000)} KB are hard to review`);
  if (known.size === 0 && !MEANT_EMPTY.test(path)) add('empty-file', 'low', 'The file is empty');
  return found;
}
