// The claim check of states: what would not fit in the session lies in the payload store, under a new name each time, and
// the session state says where. Inbox, dispositions and attempts stay in the session: they are needed whatever becomes of it.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import type { PayloadRef, Payloads } from '../../contract/payload.ts';
import { lifeFolder } from '../protocol/claims.ts';
import type { SessionState } from './session-state.ts';
import { CLAIMED_FORMAT, MAX_STATE_BYTES, STATE_FORMAT } from './session-state.ts';

/** What is put away: all that grows with what a machine does. */
type Claimed = Pick<SessionState, 'core' | 'outbox'>;

/** The state as it is to be written to the session. */
export async function stowState(
  state: SessionState,
  bytes: number,
  payloads: Payloads,
  actor: ActorAddress,
): Promise<SessionState> {
  const { core, outbox } = state;
  if (bytes <= MAX_STATE_BYTES || core === null) return state;
  const folder = lifeFolder(payloads.scope, actor, core.incarnation);
  const claimed: Claimed = { core, outbox };
  const claim = await payloads.put(folder, `state-${randomUUID()}`, claimed as unknown as Json);
  return { ...state, format: CLAIMED_FORMAT, core: null, outbox: [], claim };
}

export interface OpenedState {
  readonly state: SessionState;
  /** Where it lies, if it does not lie in the session: to be removed when another has taken its place. */
  readonly claim?: PayloadRef;
}

/** Throws PAYLOAD_NOT_FOUND or PAYLOAD_UNREADABLE, or what the storage threw. */
export async function openState(written: SessionState, payloads: Payloads): Promise<OpenedState> {
  const { claim, ...rest } = written;
  if (claim === undefined) return { state: written };
  const claimed = (await payloads.get(claim)) as unknown as Claimed;
  return { state: { ...rest, ...claimed, format: STATE_FORMAT }, claim };
}
