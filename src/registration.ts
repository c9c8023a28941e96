// From the configuration to what runs: every machine described in a worker, its child machines registered beside it, every
// invoked name accounted for. What is wrong is found here, before the first message.
import type { ResolvedConfig } from './contract/config.ts';
import { fromErrorJson, QuorateError } from './contract/errors.ts';
import type { WorkerPool } from './contract/ports.ts';
import type { MachineRef, Registry } from './contract/turn.ts';
import type { MachineDescription } from './contract/worker.ts';

const DEFAULT_AGENT_DEADLINE_MS = 600_000;

export interface Registration {
  /** Every machine type, child machines included, by type. */
  readonly machines: ReadonlyMap<string, MachineDescription>;
  /** Types whose own promise logic runs as agents. */
  readonly logicTypes: readonly string[];
  readonly registry: Registry;
}

export async function registerMachines(config: ResolvedConfig, pool: WorkerPool): Promise<Registration> {
  const machines = new Map<string, MachineDescription>();
  const roots = await Promise.all(
    Object.entries(config.machines).map(async ([type, machine]) => {
      const ref: MachineRef = {
        type,
        module: String(machine.module),
        export: machine.export,
        version: machine.version,
        path: [],
      };
      const response = await pool.run({ kind: 'describe', machine: ref });
      if (response.kind === 'described') return response.description;
      if (response.kind === 'failed') throw fromErrorJson(response.error);
      throw new QuorateError('MODULE_NOT_LOADED', `the worker could not describe ${type}`);
    }),
  );
  const isAgent = (name: string): boolean => Object.hasOwn(config.agents, name);
  const isMachine = (name: string): boolean => Object.hasOwn(config.machines, name);
  const logicTypes = new Set<string>();

  const add = (description: MachineDescription): void => {
    const { type } = description.machine;
    machines.set(type, description);
    for (const source of description.sources) {
      // A registered name wins over what the machine brings under it.
      if (isAgent(source.src) || isMachine(source.src)) continue;
      switch (source.kind) {
        case 'machine':
          add(source.description);
          break;
        case 'promise':
          logicTypes.add(type);
          break;
        case 'scatter':
          break;
        case 'unresolved':
          throw new QuorateError(
            'AGENT_NOT_FOUND',
            `machine ${type} invokes '${source.src}', which is neither an agent nor a machine`,
          );
      }
    }
  };
  roots.forEach(add);
  return {
    machines,
    logicTypes: [...logicTypes],
    registry: {
      agents: Object.fromEntries(
        Object.entries(config.agents).map(([name, agent]) => [
          name,
          { deadlineMs: agent.deadlineMs ?? DEFAULT_AGENT_DEADLINE_MS },
        ]),
      ),
      machines: Object.fromEntries([...machines.keys()].map((type) => [type, true as const])),
    },
  };
}
