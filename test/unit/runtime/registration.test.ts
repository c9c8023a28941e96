import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';
import type { WorkerPool } from '../../../src/contract/ports.ts';
import type { MachineDescription, SourceDescription, WorkerResponse } from '../../../src/contract/worker.ts';
import { registerMachines } from '../../../src/runtime/registration.ts';

function describeAs(type: string, sources: readonly SourceDescription[]): MachineDescription {
  const machine = { type, module: 'm', export: 'e', version: '1', path: [] };
  return { machine, id: type, definition: null, graph: null, events: [], hasActions: false, sources };
}

function register(
  sources: readonly SourceDescription[],
  more: Partial<QuorateConfig> = {},
  answer?: WorkerResponse,
  limits: (number | undefined)[] = [],
) {
  const pool: WorkerPool = {
    run: async (request, options) => {
      limits.push(options?.timeoutMs);
      const { type } = (request as { machine: { type: string } }).machine;
      const description = describeAs(type, type === 'a' ? sources : []);
      return answer ?? ({ kind: 'described', description } as const);
    },
    waiting: 0,
    waitingTurns: 0,
    replace: async () => {},
    close: async () => {},
  };
  const machines = { a: { module: 'file:///a.js', export: 'a', version: '1' } };
  return registerMachines(resolveConfig({ machines, ...more }, {}), pool);
}

describe('registration', () => {
  it('adds child machines under their parent’s type, and finds their own logic', async () => {
    const child = describeAs('a.b', [{ src: 'work', kind: 'promise' }]);
    const { machines, logicTypes, registry } = await register([
      { src: 'b', kind: 'machine', description: child },
    ]);
    expect([...machines.keys()]).toEqual(['a', 'a.b']);
    expect(logicTypes).toEqual(['a.b']);
    expect(registry.machines).toEqual({ a: true, 'a.b': true });
  });

  it('lets an agent or a machine of that name take the place of what a machine brings', async () => {
    const agents = { work: { run: () => null, deadlineMs: 5 } };
    const { logicTypes, registry } = await register([{ src: 'work', kind: 'promise' }], { agents });
    expect(logicTypes).toEqual([]);
    expect(registry.agents).toEqual({ work: { deadlineMs: 5 } });
  });

  it('refuses a name that nothing stands for, before the first message', async () => {
    const error = { code: 'AGENT_NOT_FOUND', message: 'what the machine should have written' };
    const ghost = { src: 'ghost', kind: 'unresolved', error } as const;
    await expect(register([ghost])).rejects.toMatchObject(error);
    await expect(register([ghost], { agents: { ghost: { run: () => null } } })).resolves.toBeDefined();
  });

  it('gives a module more time to load than a turn has', async () => {
    const limits: (number | undefined)[] = [];
    await register([], { turnTimeoutMs: 150 }, undefined, limits);
    expect(limits).toEqual([60_000]);
  });

  it('passes on why a module could not be described', async () => {
    const error = { code: 'MACHINE_NOT_DURABLE', message: 'inline action' };
    await expect(register([], {}, { kind: 'failed', error })).rejects.toMatchObject(error);
  });
});
