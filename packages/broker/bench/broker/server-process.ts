// A server under measurement, in a process of its own: the broker as `quorate-broker` runs it, or the raw one. The first line
// that either prints is its connection string.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { residentIn } from '../../../../bench/kit/process-tree.ts';
import { BIN } from '../bin.ts';
import { CONFIG } from './entities.ts';

const RAW = fileURLToPath(new URL('./raw-server.ts', import.meta.url));
/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly connectionString: string;
  /** From its spawn to the line that says where it listens. */
  readonly startMs: number;
  /** Undefined where there is no /proc. */
  readonly residentBytes: () => number | undefined;
  /** Of all its threads, in seconds; undefined where there is no /proc. */
  readonly processorSeconds: () => number | undefined;
  /** SIGKILL: nothing is said goodbye to. */
  readonly kill: () => Promise<void>;
}

export function startRaw(): Promise<ServerProcess> {
  return start([RAW]);
}

export async function startBroker(data: string): Promise<ServerProcess> {
  const config = `${data}.json`;
  await writeFile(config, CONFIG);
  return start([BIN, '--port', '0', '--data', data, '--config', config]);
}

async function start(args: readonly string[]): Promise<ServerProcess> {
  const { PATH, HOME, TMPDIR, QUORATE_BENCH_NODE } = process.env;
  // For a profile: QUORATE_BENCH_NODE="--cpu-prof --cpu-prof-dir=profile".
  const node = QUORATE_BENCH_NODE?.split(' ') ?? [];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...node, ...args], {
    env: { PATH, HOME, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const connectionString = await firstLine(child, ended);
  const startMs = performance.now() - startedAt;
  return {
    pid: child.pid ?? 0,
    connectionString,
    startMs,
    residentBytes: () => fromProc(child, 'status', residentIn),
    processorSeconds: () => fromProc(child, 'stat', processorSecondsIn),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill(node.length === 0 ? 'SIGKILL' : 'SIGTERM');
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess, ended: Promise<unknown>): Promise<string> {
  let said = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const end = said.indexOf('\n');
      if (end >= 0) resolve(said.slice(0, end));
    });
  });
  const gone = ended.then(() => {
    throw new Error(`${child.spawnargs.join(' ')} ended before it said where it listens`);
  });
  return Promise.race([line, gone]);
}

/** Of a process and all its threads, in seconds; 0 where there is no /proc. */
export function processorSecondsOf(pid: number): number {
  try {
    return processorSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return 0;
  }
}

/** utime and stime, the 14th and 15th field; the command's name in parentheses may hold anything. */
export function processorSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function fromProc(child: ChildProcess, file: string, read: (text: string) => number): number | undefined {
  try {
    return read(readFileSync(`/proc/${child.pid}/${file}`, 'utf8'));
  } catch {
    return undefined;
  }
}
