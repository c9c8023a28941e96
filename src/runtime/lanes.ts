// Lanes as a process is configured: which agents have one, what holds their work back at its askers, and who tells the lane what the agents
// of this process take on.
import { createLaneReports, type LaneReports } from '../actors/agents/task/lane-reports.ts';
import type { Gate } from '../actors/host/unsent/gates.ts';
import { createLaneGate, type LaneSettings } from '../actors/host/unsent/lane-gate.ts';
import type { AgentConfig, ResolvedConfig } from '../contract/config.ts';
import type { Bridge, Clock, Logger, Pump } from '../contract/ports.ts';

type Agents = Pick<ResolvedConfig, 'agents'>;

export function usesLanes({ agents }: Agents): boolean {
  return Object.values(agents).some(hasLane);
}

function hasLane({ lane }: { readonly lane?: AgentConfig['lane'] | undefined }): boolean {
  return lane !== undefined && lane !== false;
}

/** What each agent runs at once in a process. */
export type ConcurrencyOf = (agent: ResolvedConfig['agents'][string]) => number;

/** None where no agent has a lane. */
export function laneGates({ agents }: Agents, concurrencyOf: ConcurrencyOf): readonly Gate[] {
  if (!usesLanes({ agents })) return [];
  const settings = Object.entries(agents).flatMap(([name, agent]): [string, LaneSettings][] => {
    if (!hasLane(agent)) return [];
    const weights = typeof agent.lane === 'object' ? agent.lane.weights : {};
    return [[name, { weights, concurrency: concurrencyOf(agent) }]];
  });
  return [createLaneGate(Object.fromEntries(settings))];
}

interface ReportContext {
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly process: string;
}

/** Undefined for an agent without a lane. */
export function laneReports(
  name: string,
  agent: ResolvedConfig['agents'][string],
  { concurrency, running }: Pick<Parameters<typeof createLaneReports>[0], 'concurrency' | 'running'>,
  { bridge, clock, logger, process }: ReportContext,
): LaneReports | undefined {
  if (!hasLane(agent)) return undefined;
  return createLaneReports({ agent: name, process, concurrency, running, bridge, clock, logger });
}

/** The lane hears of the end of the pump. */
export function telling(pump: Pump, lane: LaneReports | undefined): Pump {
  if (lane === undefined) return pump;
  return {
    get active() {
      return pump.active;
    },
    stop: async () => {
      await pump.stop();
      await lane.stop();
    },
  };
}
