// What the registry of a runtime reads of its parts each time that somebody asks: counters that are there anyway, and how things stand.
import type { BridgeReadings } from '../bridge/load/readings.ts';
import { readVersion } from '../common/version.ts';
import type { Payloads } from '../contract/payload.ts';
import type { WorkerPool } from '../contract/ports.ts';
import type { RuntimeInfo } from '../contract/runtime.ts';
import { MICROS } from '../contract/usage.ts';
import type { Registry } from '../observability/metrics/registry.ts';
import type { ProcessCounters } from './counters.ts';

/** Field of TaskCounters -> event. Attempts that were begun, and tasks in hand, have metrics of their own. */
const TASK_EVENTS = {
  answeredFromStore: 'from_store',
  retried: 'retried',
  waited: 'waited',
  elsewhere: 'elsewhere',
  limited: 'limited',
  paused: 'paused',
  putOff: 'put_off',
  failed: 'given_up',
  cancelled: 'cancelled',
  aborted: 'aborted',
  ranOn: 'ran_on',
  late: 'late',
} as const;

const TASK_FIELDS = Object.keys(TASK_EVENTS) as (keyof typeof TASK_EVENTS)[];

export function readCounters(registry: Registry, counters: ProcessCounters): void {
  const { actors, agents, limits } = counters;
  registry.read('quorate.turns', (emit) => {
    for (const [type, { applied }] of actors) emit(applied, type);
  });
  registry.read('quorate.turns.dropped', (emit) => {
    for (const [type, { dropped, repeated }] of actors) {
      emit(repeated, type, 'repeat');
      emit(dropped - repeated, type, 'stale');
    }
  });
  registry.read('quorate.turns.poisoned', (emit) => {
    for (const [type, { poisoned }] of actors) emit(poisoned, type);
  });
  registry.read('quorate.turns.failed', (emit) => {
    for (const [type, { failed }] of actors) emit(failed, type);
  });
  registry.read('quorate.tasks', (emit) => {
    for (const [agent, own] of Object.entries(agents))
      for (const field of TASK_FIELDS) emit(own[field], agent, TASK_EVENTS[field]);
  });
  registry.read('quorate.agent.tokens', (emit) => {
    for (const { agent, model, inputTokens, outputTokens } of counters.usage) {
      emit(inputTokens, agent, model, 'input');
      emit(outputTokens, agent, model, 'output');
    }
  });
  registry.read('quorate.agent.cost', (emit) => {
    for (const { agent, model, microUsd } of counters.usage) emit(microUsd / MICROS, agent, model);
  });
  registry.read('quorate.limit.calls', (emit) => {
    for (const [limit, { granted, waited, putOff, throttled }] of Object.entries(limits)) {
      emit(granted, limit, 'granted');
      emit(waited, limit, 'waited');
      emit(putOff, limit, 'put_off');
      emit(throttled, limit, 'throttled');
    }
  });
  registry.read('quorate.limit.opened', (emit) => {
    for (const [limit, { opened }] of Object.entries(limits)) emit(opened, limit);
  });
}

interface Process {
  readonly info: Pick<RuntimeInfo, 'mode'>;
  readonly pool: Pick<WorkerPool, 'waiting' | 'waitingTurns'>;
  readonly threads: number;
  readonly bridge: { readonly readings: BridgeReadings; readonly connections: number };
}

export function readProcess(registry: Registry, { info, pool, threads, bridge }: Process): void {
  const version = readVersion();
  registry.read('quorate.build.info', (emit) => emit(1, version, info.mode));
  registry.read('quorate.pool.threads', (emit) => emit(threads));
  registry.read('quorate.pool.waiting', (emit) => {
    emit(pool.waitingTurns, 'turn');
    emit(pool.waiting - pool.waitingTurns, 'other');
  });
  registry.read('quorate.connections', (emit) => emit(bridge.connections));
  registry.read('quorate.load.share', (emit) => {
    emit(bridge.readings.share.sessions, 'sessions');
    emit(bridge.readings.share.tasks, 'tasks');
  });
  registry.read('quorate.session.accepts', (emit) => {
    for (const [entity, { accepted }] of bridge.readings.sessions) emit(accepted, entity);
  });
  registry.read('quorate.session.renewals', (emit) => {
    for (const [entity, { renewed }] of bridge.readings.sessions) emit(renewed, entity);
  });
  registry.read('quorate.session.lock_losses', (emit) => {
    for (const [entity, { lost }] of bridge.readings.sessions) emit(lost, entity);
  });
}

/** Sizes of what goes to the store are measured. */
export function measured(payloads: Payloads, registry: Registry): Payloads {
  const sizes = registry.histogram('quorate.payload.bytes');
  return {
    scope: payloads.scope,
    get: (ref) => payloads.get(ref),
    remove: (ref) => payloads.remove(ref),
    removeFolder: (folder) => payloads.removeFolder(folder),
    seal: () => payloads.seal(),
    put: async (folder, name, value) => {
      const ref = await payloads.put(folder, name, value);
      sizes.record(ref.bytes);
      return ref;
    },
  };
}
