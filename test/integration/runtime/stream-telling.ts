// The configuration that processes of a teller share.
import type { AgentContext, QuorateConfig, Role } from '../../../src/contract/config.ts';
import type { Json } from '../../../src/contract/json.ts';
import { app } from '../../kit/runtime.ts';

export function telling(
  roles: readonly Role[],
  tell: (input: unknown, context: AgentContext) => Promise<Json>,
): QuorateConfig {
  return {
    roles,
    machines: { teller: app('teller.machine.ts', 'teller') },
    // With a claim it would take as long again.
    agents: { tell: { run: tell, exclusive: false } },
    // The shortest: the task of a dead process is free after it.
    lockDurationMs: 5_000,
  };
}
