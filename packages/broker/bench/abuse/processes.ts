// The three processes of the bench: the broker, the client that must not notice anything, and whoever attacks.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { residentIn } from '../../../../bench/kit/process-tree.ts';
import { ATTACKED_QUEUE, ATTACKED_SESSIONS } from '../../test/kit/attacks/attack.ts';
import { BIN } from '../bin.ts';
import { PROBE_QUEUE, type ProbeResult } from './protocol.ts';

const CONFIG = JSON.stringify({
  UserConfig: {
    Namespaces: [
      {
        Name: 'sbemulatorns',
        Queues: [
          { Name: PROBE_QUEUE },
          { Name: ATTACKED_QUEUE },
          { Name: ATTACKED_SESSIONS, Properties: { RequiresSession: true } },
        ],
      },
    ],
  },
});
const SAMPLE_MS = 20;
/** An attacker has its own machine; here it must not take the processor from those it attacks. */
const LOWEST_PRIORITY = 19;

export interface Broker extends AsyncDisposable {
  readonly connectionString: string;
  readonly alive: () => boolean;
  /** Highest resident size until it is called, in bytes. */
  readonly watchMemory: () => () => number;
}

export async function startBroker(folder: string): Promise<Broker> {
  const config = `${folder}/config.json`;
  await writeFile(config, CONFIG);
  const { PATH, HOME, TMPDIR } = process.env;
  const args = [BIN, '--tls', '--port', '0', '--data', `${folder}/data`, '--config', config];
  const child = spawn(process.execPath, args, {
    env: { PATH, HOME, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const [connectionString = ''] = chunk.toString().split('\n');
  child.stdout.resume();
  return {
    connectionString,
    alive: () => child.exitCode === null && child.signalCode === null,
    watchMemory: () => watchMemory(child),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The kernel keeps the highest value, so that no sample can miss it. */
function watchMemory(child: ChildProcess): () => number {
  const status = `/proc/${child.pid}/status`;
  let peak = 0;
  try {
    writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
    return () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    const timer = setInterval(() => {
      peak = Math.max(peak, residentIn(readFileSync(status, 'utf8')));
    }, SAMPLE_MS);
    return () => {
      clearInterval(timer);
      return peak;
    };
  }
}

export interface Probe extends AsyncDisposable {
  readonly measure: (ms: number) => Promise<ProbeResult>;
}

export function startProbe(connectionString: string): Probe {
  const child = start('probe-entry.ts', [connectionString]);
  return {
    measure: async (ms) => {
      const answer = once(child, 'message') as Promise<[ProbeResult]>;
      child.send(ms);
      const [result] = await answer;
      return result;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Until it is disposed of. */
export function startAttack(connectionString: string, name: string): AsyncDisposable {
  const child = start('attacker-entry.ts', [connectionString, name]);
  setPriority(child.pid ?? 0, LOWEST_PRIORITY);
  return { [Symbol.asyncDispose]: () => end(child) };
}

function start(entry: string, args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(entry, import.meta.url));
  return fork(path, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
