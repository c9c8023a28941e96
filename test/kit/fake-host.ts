// A host whose worker pool runs turns here, with the real core: what the commit protocol does around them is under test.
import type { AnyStateMachine } from 'xstate';
import { keepState, migrateState } from '../../src/actors/core/migration.ts';
import { runTurns } from '../../src/actors/core/run-turns.ts';
import { Actions } from '../../src/actors/host/actions/custom-actions.ts';
import { type ActorHost, newHostCounters } from '../../src/actors/host/host.ts';
import { hostMetrics } from '../../src/actors/host/metrics.ts';
import { TimerMemory } from '../../src/actors/host/outbox/scheduled.ts';
import type { Migration } from '../../src/contract/config.ts';
import { toErrorJson } from '../../src/contract/errors.ts';
import type { Json } from '../../src/contract/json.ts';
import type { Bridge, Logger, WorkerPool } from '../../src/contract/ports.ts';
import type { TurnRequest } from '../../src/contract/turn.ts';
import type { WorkerRequest, WorkerResponse } from '../../src/contract/worker.ts';
import { Registry } from '../../src/observability/metrics/registry.ts';
import { memoryCancellations, memoryPayloads, memoryResults } from './memory-storage.ts';

type Move = (snapshot: Json, from: string) => Json | Migration;

function moved(
  machine: AnyStateMachine,
  { request, export: name, from }: Extract<WorkerRequest, { kind: 'migrate' }>,
  move: Move | undefined,
): WorkerResponse {
  try {
    const state =
      move === undefined || name === undefined
        ? keepState(machine, request, from)
        : migrateState(machine, request, { name, from, move });
    return structuredClone({ kind: 'migrated', ...state });
  } catch (thrown) {
    return { kind: 'failed', error: toErrorJson(thrown, 'MIGRATION_FAILED') };
  }
}

export interface FakeHost extends ActorHost {
  /** Every request that reached the pool. */
  readonly requests: WorkerRequest[];
  readonly problems: string[];
}

export interface FakeHostOptions extends Partial<ActorHost> {
  /** Stands in for a worker: an answer instead of the turn's own. */
  readonly instead?: (request: TurnRequest) => WorkerResponse | undefined;
  /** Machines of other versions than the host's own. */
  readonly versions?: Readonly<Record<string, AnyStateMachine>>;
  /** Stands in for the export that `migrate` names. */
  readonly move?: Move;
}

export function fakeHost(
  machine: AnyStateMachine,
  { instead, versions = {}, move, ...more }: FakeHostOptions = {},
): FakeHost {
  const requests: WorkerRequest[] = [];
  const problems: string[] = [];
  const say = (message: string): void => void problems.push(message);
  const logger: Logger = { debug: () => {}, info: () => {}, warn: say, error: say };
  const pool: WorkerPool = {
    run: async (request) => {
      requests.push(structuredClone(request));
      if (request.kind === 'migrate') return moved(machine, request, move);
      if (request.kind !== 'turn' && request.kind !== 'rehearsal')
        return { kind: 'outcome', outcome: { status: 'done', output: null }, threadId: 1 };
      const other = instead?.(request.request);
      if (other !== undefined) return other;
      const copy = structuredClone(request.request);
      return structuredClone({
        kind: 'turn',
        result: { ...runTurns(versions[copy.machine.version] ?? machine, copy), threadId: 1 },
      });
    },
    waiting: 0,
    waitingTurns: 0,
    replace: async () => {},
    close: async () => {},
  };
  const unused = (): never => {
    throw new Error('not in this test');
  };
  const settings = {
    pool: more.pool ?? pool,
    letters: { browse: async () => [] },
    bridge: { publish: unused, cancelScheduled: async () => [] } as unknown as Bridge,
    payloads: more.payloads ?? memoryPayloads(),
    results: memoryResults(),
    cancellations: memoryCancellations(more.clock),
    clock: more.clock ?? { now: () => 1_000_000 },
    logger,
    turnTimeoutMs: 1_000,
  };
  return {
    ...settings,
    actions: new Actions(settings),
    machine: { type: 'm', module: 'none', export: 'none', version: '1', path: [] },
    registry: { agents: { a: { deadlineMs: 60_000 } }, machines: { m: true, peer: true } },
    definition: null,
    older: new Map(),
    onPoison: 'continue',
    inspection: { actor: () => {}, step: () => {} },
    timerMemory: new TimerMemory(),
    counters: newHostCounters(),
    metrics: hostMetrics(new Registry(), 'm'),
    duplicateWindowMs: 60_000,
    retentionMs: 5_000,
    onForeignState: (actor, why) => say(`${actor}: ${why}`),
    onUnsigned: (folder) => say(`unsigned: ${folder}`),
    requests,
    problems,
    ...more,
  };
}
