// A server as a child process: MCP over its stdin and stdout, as a transport of the SDK. The SDK's own starts the program in our
// process group and ends that one process: of `npx server` the server itself would stay, for ever where it is stopped. Ours has a
// group of its own, which is ended as a whole, and Ctrl+C in a terminal does not reach it before we close it.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JSONRPCMessage, ReadBuffer, Transport } from '@modelcontextprotocol/client';
import { MAX_CLAIM_BYTES } from '../contract/sizes.ts';
import type { McpProgram } from './servers.ts';

/** More than any answer that is kept, which JSON may write twice as long. */
const MAX_MESSAGE_BYTES = 2 * MAX_CLAIM_BYTES;
/** From each step of ending it to the next: the end of its stdin, SIGTERM, SIGKILL. */
const STEP_MS = 1_000;
/** What is kept of its stderr, to say why it ended. */
const MAX_SAID = 2_000;
const INHERITED = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'SYSTEMROOT', 'USERPROFILE', 'TEMP'];
const HAS_GROUPS = process.platform !== 'win32';

/** What of the SDK is needed; it is loaded on demand. */
export interface Framing {
  readonly ReadBuffer: typeof ReadBuffer;
  readonly serializeMessage: (message: JSONRPCMessage) => string;
}

export interface ProgramTransport extends Transport {
  readonly pid: number | undefined;
  /** The last that it wrote to its stderr. */
  said(): string;
  /** At once, also one that is stopped. */
  kill(): void;
}

export function createProgramTransport(
  { command, args = [], env = {}, cwd }: McpProgram,
  { ReadBuffer: Buffered, serializeMessage }: Framing,
): ProgramTransport {
  const buffer = new Buffered({ maxBufferSize: MAX_MESSAGE_BYTES });
  const ended = Promise.withResolvers<void>();
  let child: ChildProcess | undefined;
  let said = '';

  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
    if (child?.pid === undefined) return;
    try {
      process.kill(HAS_GROUPS ? -child.pid : child.pid, signal);
    } catch {
      // It has ended, and all that it started.
    }
  };

  const transport: ProgramTransport = {
    get pid() {
      return child?.pid;
    },
    said: () => said.trim(),
    kill,
    async start() {
      const started = spawn(command, args, {
        env: { ...inherited(), ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: HAS_GROUPS,
        windowsHide: true,
        ...(cwd === undefined ? {} : { cwd }),
      });
      child = started;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      started.once('spawn', resolve);
      started.on('error', (error) => {
        reject(error);
        transport.onerror?.(error);
      });
      started.stdout.on('data', (chunk: Buffer) => receive(chunk));
      started.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString('utf8')}`.slice(-MAX_SAID);
      });
      for (const stream of [started.stdin, started.stdout, started.stderr]) {
        stream.on('error', (error) => transport.onerror?.(error));
        // An idle server must not keep this process alive; a call under way has a timer.
        (stream as Socket).unref?.();
      }
      started.unref();
      started.once('exit', () => {
        // What it started and left, so that the pipes end too.
        kill();
        forget(transport);
      });
      started.once('close', () => {
        ended.resolve();
        transport.onclose?.();
      });
      await promise;
      remember(transport);
    },
    send(message) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stdin = child?.stdin;
      if (stdin?.writable !== true) throw new Error('the server has ended');
      stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
      return promise;
    },
    async close() {
      if (child?.pid === undefined) return;
      child.stdin?.end();
      if (await endsIn(ended.promise)) return;
      kill('SIGTERM');
      if (await endsIn(ended.promise)) return;
      kill();
      await endsIn(ended.promise);
    },
  };

  const receive = (chunk: Buffer): void => {
    try {
      buffer.append(chunk);
    } catch (error) {
      // It is too large, and nobody knows for whom it was.
      transport.onerror?.(error as Error);
      kill();
      return;
    }
    for (;;) {
      try {
        const message = buffer.readMessage();
        if (message === null) return;
        transport.onmessage?.(message);
      } catch (error) {
        transport.onerror?.(error as Error);
      }
    }
  };
  return transport;
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name];
      // A function of a shell is code.
      return value === undefined || value.startsWith('()') ? [] : [[name, value]];
    }),
  );
}

/** The timer holds this process: who closes waits for it. */
async function endsIn(ended: Promise<void>): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(STEP_MS, false, { signal: over.signal }).catch(() => false);
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    over.abort();
  }
}

// A process that ends without closing its servers takes them with it: those that hang or are stopped would not see the end of
// their stdin.

const running = new Set<ProgramTransport>();

function killAll(): void {
  for (const transport of running) transport.kill();
}

function remember(transport: ProgramTransport): void {
  if (running.size === 0) process.once('exit', killAll);
  running.add(transport);
}

function forget(transport: ProgramTransport): void {
  if (running.delete(transport) && running.size === 0) process.off('exit', killAll);
}
