// What an MCP server is to its users: a program that is started, or a URL. One that is described alike is the same server, whatever
// agent names it. What is given is checked here.
import { z } from 'zod';
import { QuorateError } from '../contract/errors.ts';

interface McpServerCommon {
  /** How long it may take to start and to say what it has, in ms. Default 60,000. */
  readonly startMs?: number;
  /** An unused one is closed after so many ms. Default 300,000. */
  readonly idleMs?: number;
}

/** A program that speaks MCP over its stdin and stdout. */
export interface McpProgram extends McpServerCommon {
  /** It is run as it is, without a shell. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Beside HOME, LOGNAME, PATH, SHELL, TERM and USER, which it inherits; nothing else of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A server that speaks MCP over streamable HTTP. */
export interface McpEndpoint extends McpServerCommon {
  readonly url: string | URL;
  /** Sent with each request. A function is asked for each: for tokens that expire. */
  readonly headers?: McpHeaders | (() => McpHeaders | Promise<McpHeaders>);
}

/** Names and values of HTTP headers. */
export type McpHeaders = Readonly<Record<string, string>>;

/** Where tools are: a program that is started when it is first needed, or a URL. */
export type McpServer = McpProgram | McpEndpoint;

const common = {
  startMs: z.number().int().min(100).max(600_000).optional(),
  idleMs: z.number().int().min(0).max(86_400_000).optional(),
};
const headers = z.record(z.string().min(1), z.string());
const serverSchema = z.union([
  z.strictObject({
    command: z.string().min(1),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
    cwd: z.string().min(1).optional(),
    ...common,
  }),
  z.strictObject({
    url: z.union([z.instanceof(URL), z.string()]).refine(isHttp, 'must be a URL of http or https'),
    headers: z
      .union([headers, z.custom((value) => typeof value === 'function', 'must be a record or a function')])
      .optional(),
    ...common,
  }),
]);

function isHttp(url: string | URL): boolean {
  return /^https?:$/.test(URL.parse(String(url))?.protocol ?? '');
}

/** Throws CONFIG_INVALID. */
export function checkServer(server: McpServer): McpServer {
  const { success, error } = serverSchema.safeParse(server);
  if (success) return server;
  throw new QuorateError(
    'CONFIG_INVALID',
    `an MCP server is { command, args?, env?, cwd? } or { url, headers? }: ${z.prettifyError(error)}`,
  );
}

/** Functions are told apart by which they are. */
const numbers = new WeakMap<object, number>();
let count = 0;

/** The same for servers that are described alike. */
export function keyOf(server: McpServer): string {
  if ('command' in server) {
    const { command, args = [], env = {}, cwd = '' } = server;
    return JSON.stringify(['stdio', command, args, sorted(env), cwd]);
  }
  const { url, headers: given = {} } = server;
  if (typeof given !== 'function') {
    return JSON.stringify(['http', String(url), sorted(given)]);
  }
  if (!numbers.has(given)) numbers.set(given, ++count);
  return JSON.stringify(['http', String(url), numbers.get(given)]);
}

function sorted(given: Readonly<Record<string, string>>): unknown {
  return Object.entries(given).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** For people: never arguments, variables or headers, which may hold keys. */
export function nameOf(server: McpServer): string {
  if ('command' in server) {
    const { command, args = [] } = server;
    const told = args.find((one) => !one.startsWith('-'));
    const short = (path: string): string => path.split('/').slice(-3).join('/');
    return told === undefined ? short(command) : `${short(command)} ${short(told)}`;
  }
  const { origin, pathname } = new URL(server.url);
  return `${origin}${pathname}`;
}
