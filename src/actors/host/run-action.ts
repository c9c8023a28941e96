// A named custom action runs in a worker after its commit, with the committed context; its failure is said and blocks nothing.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { ActorHost } from './host.ts';
import type { OutboxEntry, SessionState } from './session-state.ts';

export async function runAction(
  { name, params, event }: OutboxEntry & { kind: 'action' },
  host: ActorHost,
  actor: ActorAddress,
  state: SessionState,
): Promise<void> {
  const snapshot = state.core?.snapshot as { readonly context?: never } | undefined;
  const context = snapshot?.context ?? null;
  const response = await host.pool.run({
    kind: 'action',
    machine: host.machine,
    name,
    params,
    event,
    context,
  });
  const error =
    response.kind === 'failed'
      ? response.error
      : response.kind === 'outcome' && response.outcome.status === 'error'
        ? response.outcome.error
        : undefined;
  if (error === undefined) return;
  host.logger.error(`action ${name} failed: ${error.message}`, {
    code: error.code,
    actor: formatAddress(actor),
    turn: state.core?.turn,
  });
}
