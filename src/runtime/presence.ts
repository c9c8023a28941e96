// A process tells the index of consoles that it lives, and what its machines are: every ten seconds, and once more when it stops.
import { hostname } from 'node:os';
import type { RecordPacker } from '../actors/host/records/packer.ts';
import { readVersion } from '../common/version.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import type { Clock } from '../contract/ports.ts';
import type { ProcessRecord } from '../contract/records.ts';
import type { EventLoop } from '../observability/metrics/event-loop.ts';
import { concurrencyOf } from './agent-pumps.ts';
import type { RuntimeCounters } from './counters.ts';
import type { Registration } from './registration.ts';

const EVERY_MS = 10_000;
/** Definitions are told at the start and every so many times: a console may have begun later. */
const DEFINITIONS_EVERY = 30;

export interface Announced {
  /** Name of the process. */
  readonly id: string;
  readonly config: ResolvedConfig;
  readonly registration: Registration;
  readonly threads: number;
  readonly counters: () => RuntimeCounters;
  readonly loop: Pick<EventLoop, 'look'>;
  readonly clock: Clock;
}

export interface Presence {
  /** Tells that the process stops. */
  stop(): void;
}

export function announce(
  records: Pick<RecordPacker, 'tell'>,
  { id, config, registration, threads, counters, loop, clock }: Announced,
): Presence {
  const startedAt = clock.now();
  const build = readVersion();
  const hostsActors = config.roles.includes('actors');
  const machines = hostsActors ? [...registration.machines.values()] : [];
  const agents = config.roles.includes('agents') ? Object.entries(config.agents) : [];

  const describe = (): ProcessRecord => {
    const { p99 = 0 } = loop.look() ?? {};
    const { actors, agents: tasks, deadLetters, sessions } = counters();
    return {
      kind: 'process',
      id,
      at: clock.now(),
      startedAt,
      host: hostname(),
      pid: process.pid,
      build,
      roles: config.roles,
      machines: Object.fromEntries(machines.map(({ machine }) => [machine.type, machine.version])),
      agents: agents.map(([name, agent]) => ({
        name,
        concurrency: concurrencyOf(agent, threads),
        running: tasks[name]?.running ?? 0,
      })),
      sessions,
      counters: { ...actors, deadLetters },
      eventLoopMs: Math.round(p99 * 10_000) / 10,
      memoryBytes: process.memoryUsage.rss(),
    };
  };
  const tellDefinitions = (): void => {
    const at = clock.now();
    const older = [...registration.older.values()].flatMap((versions) => [...versions.values()]);
    for (const { machine, definition } of hostsActors ? [...machines, ...older] : [])
      records.tell({ kind: 'machine', type: machine.type, version: machine.version, definition, at });
  };
  let told = 0;
  const tell = (): void => {
    if (told++ % DEFINITIONS_EVERY === 0) tellDefinitions();
    records.tell(describe());
  };
  tell();
  const timer = setInterval(tell, EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      records.tell({ ...describe(), stopped: true });
    },
  };
}
