// What the tests of worker threads share: requests to machines of test/fixtures/machines, in a real pool.
import type { Json } from '../../../../src/contract/json.ts';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import type {
  CoreState,
  MachineRef,
  TurnInput,
  TurnRequest,
  TurnResult,
} from '../../../../src/contract/turn.ts';
import type { WorkerRequest } from '../../../../src/contract/worker.ts';

export const NOW = 1_700_000_000_000;

export function moduleOf(file: string): string {
  return new URL(`../../../fixtures/machines/${file}.ts`, import.meta.url).href;
}

export function refOf(file: string, name: string, path: readonly string[] = []): MachineRef {
  return { type: name, module: moduleOf(file), export: name, version: '1', path };
}

export function turnRequest(machine: MachineRef, over: Partial<TurnRequest> = {}): WorkerRequest {
  const request: TurnRequest = {
    machine,
    registry: { agents: {}, machines: {} },
    address: { type: machine.type, id: 'a-1' },
    state: null,
    inputs: [{ kind: 'start', input: null }],
    now: NOW,
    incarnation: 'life-1',
    maxEffectBytes: 1_000_000,
    ...over,
  };
  return { kind: 'turn', request };
}

export async function runTurn(
  pool: WorkerPool,
  machine: MachineRef,
  over: Partial<TurnRequest> = {},
): Promise<TurnResult> {
  const response = await pool.run(turnRequest(machine, over));
  if (response.kind !== 'turn') throw new Error(`expected a turn, got ${JSON.stringify(response)}`);
  return response.result;
}

export function event(type: string, payload: Record<string, Json> = {}): TurnInput {
  return { kind: 'event', event: { ...payload, type } };
}

export function contextOf(state: CoreState | null): Record<string, Json> {
  if (state === null) throw new Error('there is no actor');
  return (state.snapshot as { context: Record<string, Json> }).context;
}
