// Registers the machines of a configuration: describes each in a worker, registers its child machines beside it, and resolves
// every name that it invokes. Mistakes are found here, before the first message.
import type { ResolvedConfig } from '../contract/config.ts';
import { declareEntities, type EntityDeclaration } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { WorkerPool } from '../contract/ports.ts';
import type { MachineRef, Registry } from '../contract/turn.ts';
import type { MachineDescription } from '../contract/worker.ts';
import { usesControl } from './control-pump.ts';

const DEFAULT_AGENT_DEADLINE_MS = 600_000;
/** A module is loaded with all that it imports, perhaps from a slow disk: that may take longer than a turn. */
const DESCRIBE_TIMEOUT_MS = 60_000;

export interface Registration {
  /** Every machine type, child machines included, by type. */
  readonly machines: ReadonlyMap<string, MachineDescription>;
  /** Type -> version -> the machine that actors of that version stay on. */
  readonly older: ReadonlyMap<string, ReadonlyMap<string, MachineDescription>>;
  /** Types whose own promise logic runs as agents. */
  readonly logicTypes: readonly string[];
  /** Types with named actions, older versions included. */
  readonly actionTypes: readonly string[];
  readonly registry: Registry;
  /** Something is configured that all processes share. */
  readonly control: boolean;
  /** The entities that all of it needs at the broker. */
  readonly entities: readonly EntityDeclaration[];
}

export async function registerMachines(config: ResolvedConfig, pool: WorkerPool): Promise<Registration> {
  const machines = new Map<string, MachineDescription>();
  const roots = await Promise.all(
    Object.entries(config.machines).map(([type, machine]) => describe(pool, type, machine.version, machine)),
  );
  const olderRoots = await Promise.all(
    Object.entries(config.machines).flatMap(([type, { versions = {} }]) =>
      Object.entries(versions).map(([version, machine]) => describe(pool, type, version, machine)),
    ),
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
          throw fromErrorJson(source.error);
      }
    }
  };
  roots.forEach(add);
  const older = new Map<string, Map<string, MachineDescription>>();
  const addOlder = (description: MachineDescription): void => {
    const { type, version } = description.machine;
    older.set(type, (older.get(type) ?? new Map<string, MachineDescription>()).set(version, description));
    for (const source of description.sources) if (source.kind === 'machine') addOlder(source.description);
  };
  olderRoots.forEach(addOlder);
  const actionTypes = new Set(
    [...machines.values(), ...[...older.values()].flatMap((versions) => [...versions.values()])]
      .filter(({ hasActions }) => hasActions)
      .map(({ machine }) => machine.type),
  );
  // Older versions may have questions open.
  const asks = [
    ...machines.values(),
    ...[...older.values()].flatMap((versions) => [...versions.values()]),
  ].some((description) => description.asks === true);
  const control = asks || usesControl(config);
  return {
    machines,
    older,
    logicTypes: [...logicTypes],
    actionTypes: [...actionTypes],
    control,
    entities: declareEntities({
      machineTypes: [...machines.keys()],
      logicTypes: [...logicTypes],
      actionTypes: [...actionTypes],
      agents: Object.keys(config.agents),
      topics: Object.fromEntries(
        Object.entries(config.topics ?? {}).map(([topic, { subscriptions }]) => [
          topic,
          Object.keys(subscriptions),
        ]),
      ),
      control,
      records: config.index === true,
      lockDurationMs: config.lockDurationMs,
      duplicateWindowMs: config.duplicateWindowMs,
    }),
    registry: {
      agents: Object.fromEntries(
        Object.entries(config.agents).map(([name, agent]) => [
          name,
          { deadlineMs: agent.deadlineMs ?? DEFAULT_AGENT_DEADLINE_MS },
        ]),
      ),
      machines: Object.fromEntries([...machines.keys()].map((type) => [type, true as const])),
      ...(config.topics === undefined
        ? {}
        : {
            topics: Object.fromEntries(
              Object.entries(config.topics).map(([topic, { subscriptions }]) => [topic, subscriptions]),
            ),
          }),
    },
  };
}

async function describe(
  pool: WorkerPool,
  type: string,
  version: string,
  { module, export: name }: { readonly module: URL | string; readonly export: string },
): Promise<MachineDescription> {
  const machine: MachineRef = { type, module: String(module), export: name, version, path: [] };
  const response = await pool.run({ kind: 'describe', machine }, { timeoutMs: DESCRIBE_TIMEOUT_MS });
  if (response.kind === 'described') return response.description;
  if (response.kind === 'failed') throw fromErrorJson(response.error);
  throw new QuorateError('MODULE_NOT_LOADED', `the worker could not describe ${type}`);
}
