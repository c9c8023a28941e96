// The bench's side of a host under measurement.
import { fileURLToPath } from 'node:url';
import type { CpuProfile } from './profile.ts';
import { startProcess, type WorkerProcess } from './worker-process.ts';

type HostJobs = {
  ready: () => Promise<null>;
  applied: () => Promise<number>;
  commits: () => Promise<number>;
  untilApplied: (count: number) => Promise<number>;
  memory: () => Promise<{ readonly rss: number; readonly heap: number; readonly links: number }>;
  errors: () => Promise<number>;
  losses: () => Promise<readonly Loss[]>;
  startProfile: () => Promise<null>;
  stopProfile: () => Promise<CpuProfile>;
};

/** A session's lock was lost, at an epoch ms. */
export interface Loss {
  readonly at: number;
  readonly session: string;
}

export type Host = WorkerProcess<HostJobs>;

const ENTRY = fileURLToPath(new URL('./host-entry.js', import.meta.url));

interface HostSettings {
  readonly sessions?: number;
  readonly lockMs?: number;
  /** Of Node. */
  readonly node?: readonly string[];
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function startHost(
  data: string,
  { sessions, lockMs, node = [], env = {} }: HostSettings = {},
): Promise<Host> {
  const args = [data, String(sessions ?? ''), String(lockMs ?? '')];
  const host = startProcess<HostJobs>(ENTRY, args, node, env);
  await host.ask('ready');
  return host;
}
