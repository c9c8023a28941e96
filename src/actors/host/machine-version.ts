// Which version of its machine an actor runs on, and how it moves to another (I14).
import type { CoreState, TurnResult } from '../../contract/turn.ts';
import type { WorkerResponse } from '../../contract/worker.ts';
import { lifeFolder } from '../protocol/claims.ts';
import { book } from './commit/book.ts';
import { stateSizeError } from './commit/claim-entries.ts';
import { encodeEffects } from './commit/encode.ts';
import { letGo } from './commit/let-go.ts';
import { tellAsks } from './commit/tell-asks.ts';
import type { ActorView, HeldActor } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { publishCommitted } from './outbox/publish.ts';
import { isStandingStill, quarantine } from './standstill/quarantine.ts';
import { type SessionState, stateBytes } from './state/session-state.ts';
import { actorSpan } from './trace.ts';
import { savedUnsent } from './unsent/saved.ts';
import { withoutClosed } from './unsent/unsent.ts';

/** The same host, running the older version that a living actor was started with, if that is registered. */
export function hostFor(host: ActorHost, { version, core }: SessionState): ActorHost {
  const older = core?.status === 'active' ? host.older.get(version) : undefined;
  return older === undefined ? host : { ...host, ...older };
}

/**
 * Moves a living actor to the version that runs here. Call it when its outbox, which the old version made, has left. Without a
 * `migrate` nothing is written: the next commit is that of the new version, if nothing that runs is lost by it.
 */
export async function migrate(held: HeldActor): Promise<void> {
  const { state, host } = held;
  const { core, version } = state;
  if (core?.status !== 'active' || version === host.machine.version) return;
  const response = await move(held, core);
  if (response.kind === 'migrated' && host.migrate === undefined) return;
  if (response.kind === 'migrated') {
    host.logger.info(`moved from version ${version} to ${host.machine.version}`, { actor: held.name });
    return moveTo(held, response.state, response.effects);
  }
  const error =
    response.kind === 'failed'
      ? response.error
      : { code: 'MODULE_NOT_LOADED', message: 'the worker answered out of turn' };
  if (error.code === 'MODULE_NOT_LOADED') await held.leaveStuck(error);
  await quarantine(held, error);
}

function move({ host, address, state: { version } }: ActorView, core: CoreState): Promise<WorkerResponse> {
  return host.pool.run(
    {
      kind: 'migrate',
      request: {
        machine: host.machine,
        registry: host.registry,
        address,
        state: core,
        inputs: [],
        now: host.clock.now(),
        incarnation: core.incarnation,
        maxEffectBytes: Number.MAX_SAFE_INTEGER,
      },
      ...(host.migrate === undefined ? {} : { export: host.migrate }),
      from: version,
    },
    { timeoutMs: host.turnTimeoutMs },
  );
}

/** The state as it would be moved, for who only looks: one that cannot be moved stands still. */
export async function stateMoved(view: ActorView): Promise<SessionState> {
  const { state, host } = view;
  const { core, version } = state;
  if (core?.status !== 'active' || version === host.machine.version || isStandingStill(state)) return state;
  const response = await move(view, core);
  if (response.kind === 'migrated')
    return host.migrate === undefined
      ? state
      : withoutClosed({ ...state, version: host.machine.version, core: response.state });
  const { code, message } =
    response.kind === 'failed'
      ? response.error
      : { code: 'MODULE_NOT_LOADED', message: 'an answer out of turn' };
  return { ...state, quarantine: { code, message, since: host.clock.now(), parked: [] } };
}

/** Once the migration is committed, tells what it dropped. */
async function moveTo(held: HeldActor, core: CoreState, effects: TurnResult['effects']): Promise<void> {
  const { state, host, address: actor } = held;
  const { incarnation } = core;
  const encoded = encodeEffects(effects, {
    actor,
    family: state.family ?? lifeFolder(host.payloads.scope, actor, incarnation),
    epoch: held.epoch,
    incarnation,
    span: actorSpan(state, actor, incarnation),
    scheduled: state.scheduled,
    timers: { before: state.core?.timers ?? {}, after: core.timers },
    now: host.clock.now(),
    // An older version started these; none of them is refused for what this one is registered with.
    isKnownType: () => true,
  });
  const told = tellAsks(actor, { before: state.core, after: core, epoch: held.epoch, isLost: false });
  // As after any turn that stops waiting: what it dropped is marked before anything leaves, so that nobody begins it (I15).
  const { duplicateWindowMs, clock } = host;
  const now = clock.now();
  const place = { actor, now, duplicateWindowMs, isLost: false, unsent: state.control?.unsent };
  const closed = letGo(state.core, { state: core, gathers: [], effects: [] }, [], place);
  const { savedOf } = host;
  const saved = savedOf === undefined ? [] : savedUnsent(place.unsent ?? [], closed.closed, savedOf);
  const turned = { before: state.core, after: core, judged: [], letGoUntil: closed.openUntil, saved };
  const books = book(state.control, [], turned, { actor, epoch: held.epoch, now });
  const entries = [...closed.first, ...(books?.entries ?? []), ...encoded, ...told, ...closed.last];
  const scheduled = Object.entries(state.scheduled).filter(([token]) => Object.hasOwn(core.timers, token));
  const next = withoutClosed({
    ...state,
    version: host.machine.version,
    core,
    ...(books === undefined ? {} : { control: books.control }),
    scheduled: Object.fromEntries(scheduled),
  });
  const written = entries.length === 0 ? next : { ...next, outbox: entries, movedAt: core.turn };
  const bytes = stateBytes(written);
  const moved = stateSizeError(bytes) ?? (await held.tryCommit(written, { bytes }));
  if (moved !== 'committed') await quarantine(held, moved);
  else if (entries.length > 0) await publishCommitted(held);
}
