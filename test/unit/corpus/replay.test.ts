// I6 over the whole corpus: the same inputs give the same bytes, in this process, in threads that know nothing of it, and
// with the guard around them; and however the inputs are cut into batches.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runTurns } from '../../../src/actors/core/run-turns.ts';
import { createWorkerPool } from '../../../src/actors/pool/pool.ts';
import { formatAddress } from '../../../src/contract/address.ts';
import type { WorkerPool } from '../../../src/contract/ports.ts';
import type { CoreState, TurnResult } from '../../../src/contract/turn.ts';
import type { Case } from './case.ts';
import type { Turn } from './durable.ts';
import { runDurable } from './durable.ts';
import { loadCases } from './load.ts';

const cases = (await loadCases()).map((given) => [given.name, given] as const);
/** Each a pool of one thread: what one has cached or counted the other has not. */
let pools: WorkerPool[] = [];

beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  pools = [1, 2].map(() => createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 }));
});
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

/** Turns as they were run; each is run again, on machines that have run nothing before, and must give the same bytes. */
async function turnsOf(given: Case): Promise<readonly Turn[]> {
  const { turns } = await runDurable(given);
  expect(turns.length).toBeGreaterThanOrEqual(given.script.length > 1 ? 2 : 1);
  const again = await runDurable({ ...given, machine: given.machine.provide({}) });
  expect(JSON.stringify(again.turns)).toBe(JSON.stringify(turns));
  return turns;
}

it.each(cases)('%s gives the same bytes in this process and in fresh threads', async (_name, given) => {
  const turns = await turnsOf(given);
  for (const [at, pool] of pools.entries()) {
    // The second thread sees them backwards: nothing of what a thread has run before matters.
    for (const { request, result } of at === 0 ? turns : turns.toReversed()) {
      const response = await pool.run({ kind: 'turn', request });
      if (response.kind !== 'turn') throw new Error(JSON.stringify(response));
      const { threadId: _, ...there } = response.result;
      expect(JSON.stringify(there)).toBe(JSON.stringify(result));
    }
  }
});

describe('batches', () => {
  it.each(cases)('%s gives the same in one batch as message by message', async (_name, given) => {
    const { turns } = await runDurable(given);
    const actors = Map.groupBy(turns, ({ request: { address } }) => formatAddress(address));
    for (const ofActor of actors.values()) {
      // The clock of a batch is one instant.
      for (const group of Map.groupBy(ofActor, ({ request: { now } }) => now).values())
        expectSameAsBatch(given, group);
    }
  });
});

function expectSameAsBatch(given: Case, turns: readonly Turn[]): void {
  const [first] = turns;
  const last = turns.at(-1);
  if (first === undefined || last === undefined || turns.length === 1) return;
  const inputs = turns.flatMap(({ request }) => request.inputs);
  const batch = runTurns(machineOf(given, first), { ...first.request, inputs });
  expect(JSON.parse(JSON.stringify(batch.state)) as CoreState).toEqual(last.result.state);
  expect(said(batch)).toEqual(said({ effects: turns.flatMap(({ result }) => result.effects) }));
  expect(batch.verdicts).toEqual(turns.flatMap(({ result }) => result.verdicts));
}

function machineOf(given: Case, { request: { machine } }: Turn): Case['machine'] {
  let found = given.machines[machine.type] ?? given.machine;
  for (const src of machine.path) found = found.implementations.actors[src] as Case['machine'];
  return found;
}

/** Of a followed actor's snapshots a batch sends the last. */
function said({ effects }: Pick<TurnResult, 'effects'>): unknown {
  return JSON.parse(JSON.stringify(effects.filter(({ effect }) => effect.kind !== 'snapshot')));
}
