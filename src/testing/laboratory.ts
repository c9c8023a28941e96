// What all runs of one scenario share: worker threads and the registered machines. A run is a world of its own.
import { createWorkerPool } from '../actors/pool/pool.ts';
import { resolveConfig } from '../config/resolve.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import type { WorkerPool } from '../contract/ports.ts';
import { registerMachines } from '../runtime/registration.ts';

const THREADS = 2;

export interface Laboratory {
  readonly resolved: ResolvedConfig;
  readonly entities: readonly EntityDeclaration[];
  /** Child machines included. */
  readonly types: readonly string[];
  readonly pool: WorkerPool;
  close(): Promise<void>;
}

export async function openLaboratory(config: QuorateConfig): Promise<Laboratory> {
  const resolved = resolveConfig(config);
  const pool = createWorkerPool({ threads: THREADS, turnTimeoutMs: resolved.turnTimeoutMs });
  try {
    const { machines, entities } = await registerMachines(resolved, pool);
    return { resolved, entities, types: [...machines.keys()], pool, close: () => pool.close() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
