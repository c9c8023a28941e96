// Which version of its machine an actor runs on, and how it moves to another (I14).
import type { HeldActor, Progress } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { quarantine } from './quarantine.ts';
import type { SessionState } from './session-state.ts';

/** Before a module that could not be loaded is tried again. */
const STUCK_PAUSE_MS = 1_000;

/** The same host, running the older version that a living actor was started with, if that is registered. */
export function hostFor(host: ActorHost, { version, core }: SessionState): ActorHost {
  const older = core?.status === 'active' ? host.older.get(version) : undefined;
  return older === undefined ? host : { ...host, ...older };
}

/** Moves a living actor to the version that runs here. To be called when its outbox is out: that was the old version's. */
export async function migrate(held: HeldActor): Promise<Progress> {
  const { state, host } = held;
  const { core, version } = state;
  if (host.migrate === undefined || core?.status !== 'active' || version === host.machine.version)
    return 'held';
  const response = await host.pool.run(
    {
      kind: 'migrate',
      machine: host.machine,
      export: host.migrate,
      snapshot: core.snapshot,
      from: version,
    },
    { timeoutMs: host.turnTimeoutMs },
  );
  if (response.kind === 'migrated') {
    host.logger.info(`moved from version ${version} to ${host.machine.version}`, { actor: held.name });
    return held.commit({
      ...state,
      version: host.machine.version,
      core: { ...core, snapshot: response.snapshot },
    });
  }
  const error =
    response.kind === 'failed'
      ? response.error
      : { code: 'MODULE_NOT_LOADED', message: 'the worker answered out of turn' };
  if (error.code !== 'MODULE_NOT_LOADED') return quarantine(held, error, [], []);
  host.logger.error(error.message, { code: error.code, actor: held.name });
  await new Promise((resolve) => setTimeout(resolve, STUCK_PAUSE_MS));
  return 'lost';
}
