// What is seen of a committed core: by the inspector after each batch, by who asks, and by who watches.
import type { ActorAddress } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import type { InspectedSnapshot } from '../../contract/ports.ts';
import type { CoreState, TurnResult } from '../../contract/turn.ts';
import type { ActorHost } from './host.ts';

export function inspected(core: CoreState): InspectedSnapshot {
  const { value = null, context = null } = core.snapshot as {
    readonly value?: Json;
    readonly context?: Json;
  };
  return {
    status: core.status,
    value,
    context,
    tags: core.tags,
    ...(core.output === undefined ? {} : { output: core.output }),
    ...(core.error === undefined ? {} : { error: core.error }),
  };
}

/** Tells the inspector of a committed batch. The sink knows which actors it has seen; a definition is sent by reference. */
export function inspectCommit(host: ActorHost, address: ActorAddress, result: TurnResult): void {
  const { state } = result;
  if (state === null) return;
  const snapshot = inspected(state);
  host.inspection.actor({
    address,
    definition: host.definition,
    snapshot,
    ...(state.parent === undefined ? {} : { parent: state.parent.address }),
  });
  host.inspection.step({ address, events: result.steps, snapshot, turn: state.turn });
}
