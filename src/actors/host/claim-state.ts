// The claim check of states: what would not fit in the session lies in the payload store, under a new name each time, and
// the session state says where. Inbox, dispositions and attempts stay in the session: they are needed whatever becomes of it.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { PayloadRef, Payloads } from '../../contract/payload.ts';
import { jsonBytes, lifeFolder } from '../protocol/claims.ts';
import type { OlderPeers, Remembered } from './peers.ts';
import { mergePeers, openPeers, putPeers } from './peers.ts';
import type { SessionState } from './session-state.ts';
import { BOUNDS, MAX_STATE_BYTES } from './session-state.ts';
import type { WrittenState } from './written-state.ts';
import { toWritten } from './written-state.ts';

/** What is put away: all that grows with what a machine does. */
type Claimed = Pick<SessionState, 'core' | 'outbox' | 'scheduled' | 'watchers'>;

export interface Stowed {
  /** As it is to be written to the session. */
  readonly written: WrittenState;
  readonly state: SessionState;
  readonly olderPeers: OlderPeers;
}

export interface StowContext {
  readonly actor: ActorAddress;
  readonly payloads: Payloads;
  readonly olderPeers: OlderPeers;
  readonly memory: Remembered;
  readonly now: number;
}

/** `bytes`: of the state as JSON. Throws STATE_TOO_LARGE, or what the storage threw. */
export async function stowState(given: SessionState, bytes: number, context: StowContext): Promise<Stowed> {
  const { state, olderPeers } = await stowPeers(given, context);
  const whole = toWritten(state);
  // Nothing is written larger than it is kept; whether it is written smaller is only worth knowing where it matters.
  if (bytes <= MAX_STATE_BYTES || bytesOf(whole) <= MAX_STATE_BYTES)
    return { written: whole, state, olderPeers };
  const written = state.core === null ? whole : await claim(whole, state.core.incarnation, context);
  const left = bytesOf(written);
  if (left > MAX_STATE_BYTES)
    throw new QuorateError(
      'STATE_TOO_LARGE',
      `the state would take ${left} bytes in the session, at most ${MAX_STATE_BYTES} are written`,
    );
  return { written, state, olderPeers };
}

async function claim(
  { core, outbox, scheduled, watchers, ...rest }: WrittenState,
  incarnation: string,
  { payloads, actor }: StowContext,
): Promise<WrittenState> {
  const claimed: Claimed = { core, outbox, scheduled, ...(watchers === undefined ? {} : { watchers }) };
  const folder = lifeFolder(payloads.scope, actor, incarnation);
  const ref = await payloads.put(folder, `state-${randomUUID()}`, claimed as unknown as Json);
  return { ...rest, core: null, outbox: [], scheduled: {}, claim: ref };
}

/** The recent peers leave the session together, when there are too many of them. */
async function stowPeers(
  state: SessionState,
  { actor, payloads, olderPeers, memory, now }: StowContext,
): Promise<Pick<Stowed, 'state' | 'olderPeers'>> {
  const { core, inbox } = state;
  if (inbox.peers.length <= BOUNDS.peers || core === null) return { state, olderPeers };
  const merged = mergePeers(olderPeers, inbox.peers, now, memory);
  const folder = lifeFolder(payloads.scope, actor, core.incarnation);
  const ref = await putPeers(merged, payloads, folder, `peers-${randomUUID()}`);
  return { state: { ...state, inbox: { ...inbox, peers: [], olderPeers: ref } }, olderPeers: merged };
}

export interface OpenedState {
  readonly state: SessionState;
  /** Where it lies, if it does not lie in the session: to be removed when another has taken its place. */
  readonly claim?: PayloadRef;
  readonly olderPeers?: OlderPeers;
}

/** Throws PAYLOAD_NOT_FOUND or PAYLOAD_UNREADABLE, or what the storage threw. */
export async function openState(written: SessionState, payloads: Payloads): Promise<OpenedState> {
  const { claim: ref, ...rest } = written;
  const olderPeers = await openPeers(written.inbox.olderPeers, payloads);
  if (ref === undefined) return { state: written, olderPeers };
  const claimed = (await payloads.get(ref)) as unknown as Claimed;
  return { state: { ...rest, ...claimed }, claim: ref, olderPeers };
}

function bytesOf(written: WrittenState): number {
  return jsonBytes(written as unknown as Json);
}
