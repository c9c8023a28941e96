// One connection for each server in a process, shared by all who name it: opened when it is first needed, closed when nobody has
// needed it for a while or its runtime has ended, and replaced when the server ends or hangs.
import { abortError } from '../common/signals.ts';
import { type Connection, openConnection } from './sdk-client.ts';
import { checkServer, keyOf, type McpServer } from './servers.ts';

const DEFAULT_IDLE_MS = 300_000;
/** A server hangs that says nothing to a ping for so long: as long as a call may be silent, within these. */
const MIN_PING_MS = 1_000;
const MAX_PING_MS = 5_000;
/** A folder a run may be a server a run: the one longest unused makes room. */
const MAX_UNUSED = 8;

interface Entry {
  readonly key: string;
  readonly idleMs: number;
  readonly opening: Promise<Connection>;
  connection: Connection | undefined;
  calls: number;
  /** Nobody else is to use it: it closes when the last call has ended. */
  isRetired: boolean;
  idle: NodeJS.Timeout | undefined;
  doubt: Promise<void> | undefined;
}

/** The only state of a process that MCP has; those longest unused come first. */
const entries = new Map<string, Entry>();

export interface Use {
  readonly connection: Connection;
  /** It may hang: it is asked, and replaced if it does not answer. */
  readonly doubt: (silenceMs: number) => void;
  /** It is no use any more: the next call opens another. */
  readonly discard: () => void;
}

/** Throws a McpFault where the server cannot be reached. */
export async function useServer<T>(
  server: McpServer,
  signal: AbortSignal,
  work: (use: Use) => Promise<T>,
): Promise<T> {
  for (;;) {
    const entry = entryOf(server);
    entry.calls += 1;
    clearTimeout(entry.idle);
    try {
      const connection = await unlessAborted(entry.opening, signal);
      if (entry.doubt !== undefined) {
        await unlessAborted(entry.doubt, signal);
        // It did hang: there is another by now, or this call opens it.
        if (entries.get(entry.key) !== entry && !entry.isRetired) continue;
      }
      return await work({
        connection,
        doubt: (silenceMs) => doubt(entry, silenceMs),
        discard: () => discard(entry),
      });
    } finally {
      entry.calls -= 1;
      if (entry.calls === 0) rest(entry);
    }
  }
}

/**
 * Closes the connection to a server; calls under way end first. A later call opens another. `mcpAgent` does it when its runtime
 * stops; who uses `callTool` or `mcpTools` elsewhere may do it, for a server that nobody uses closes after `idleMs` by itself.
 *
 * @example
 * const agents = { ask: { run: (input, context) => callTool(files, { tool: 'read_text_file' }, context), close: () => closeServer(files) } };
 */
export async function closeServer(server: McpServer): Promise<void> {
  const entry = entries.get(keyOf(checkServer(server)));
  if (entry !== undefined) await retire(entry);
}

/** Process id of the program of a server that is open: for tests, and for people who wonder. */
export function serverPid(server: McpServer): number | undefined {
  return entries.get(keyOf(server))?.connection?.pid;
}

function entryOf(server: McpServer): Entry {
  const key = keyOf(checkServer(server));
  const known = entries.get(key);
  if (known !== undefined) {
    entries.delete(key);
    entries.set(key, known);
    return known;
  }
  const opening = openConnection(server, {
    onClose: () => forget(entry),
    onDoubt: () => doubt(entry, MAX_PING_MS),
  });
  const entry: Entry = {
    key,
    idleMs: server.idleMs ?? DEFAULT_IDLE_MS,
    opening,
    connection: undefined,
    calls: 0,
    isRetired: false,
    idle: undefined,
    doubt: undefined,
  };
  opening.then(
    (connection) => {
      entry.connection = connection;
    },
    () => forget(entry),
  );
  entries.set(key, entry);
  return entry;
}

function forget(entry: Entry): void {
  clearTimeout(entry.idle);
  if (entries.get(entry.key) === entry) entries.delete(entry.key);
}

function discard(entry: Entry): void {
  forget(entry);
  entry.connection?.kill();
}

async function retire(entry: Entry): Promise<void> {
  forget(entry);
  entry.isRetired = true;
  if (entry.calls > 0) return;
  const connection = await entry.opening.catch(() => undefined);
  await connection?.close().catch(() => {});
}

function doubt(entry: Entry, silenceMs: number): void {
  const { connection } = entry;
  const withinMs = Math.max(MIN_PING_MS, Math.min(MAX_PING_MS, silenceMs));
  if (connection === undefined) return;
  entry.doubt ??= (async () => {
    if (!(await connection.answers(withinMs))) discard(entry);
    entry.doubt = undefined;
  })();
}

/** Nobody uses it now. */
function rest(entry: Entry): void {
  if (entry.isRetired) {
    void retire(entry);
    return;
  }
  if (entries.get(entry.key) !== entry) return;
  entry.idle = setTimeout(() => void retire(entry), entry.idleMs);
  entry.idle.unref();
  const unused = [...entries.values()].filter(({ calls }) => calls === 0);
  for (const one of unused.slice(0, Math.max(0, unused.length - MAX_UNUSED))) void retire(one);
}

/** Who stops waiting leaves the rest to the others who wait. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw abortError(signal.reason);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
