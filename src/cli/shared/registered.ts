// The machines of a configuration, for commands that look at them: loaded in a worker only; nothing else of the runtime is needed.
import type { ResolvedConfig } from '../../contract/config.ts';
import type { Registration } from '../../runtime/registration.ts';

export async function registered(config: ResolvedConfig): Promise<Registration> {
  const [{ createWorkerPool }, { registerMachines }] = await Promise.all([
    import('../../actors/pool/pool.ts'),
    import('../../runtime/registration.ts'),
  ]);
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: config.turnTimeoutMs });
  try {
    return await registerMachines(config, pool);
  } finally {
    await pool.close();
  }
}
