import type { ActorAddress } from '../../contract/address.ts';
import type { TurnResult } from '../../contract/turn.ts';
import type { ActorHost } from './host.ts';
import { inspected } from './query.ts';

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
