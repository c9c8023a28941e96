// The bench's side of the host with few places.
import { fileURLToPath } from 'node:url';
import { startProcess, type WorkerProcess } from '../runtime/worker-process.ts';

type HostJobs = {
  ready: () => Promise<null>;
  busy: (prefix: string, actors: number, ms: number) => Promise<number>;
  sparse: (prefix: string, actors: number, perSecond: number, ms: number) => Promise<number>;
  touch: (prefix: string, actors: number) => Promise<number>;
};

export type Host = WorkerProcess<HostJobs>;

const ENTRY = fileURLToPath(new URL('./host-entry.js', import.meta.url));

export async function startHost(data: string, sessions: number): Promise<Host> {
  const host = startProcess<HostJobs>(ENTRY, [data, String(sessions)]);
  await host.ask('ready');
  return host;
}
