// The claim check of states: what would not fit in the session lies in the payload store, under a new name each time, and
// the session state says where. Inbox, dispositions and attempts stay in the session: they are needed whatever becomes of it.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../../contract/address.ts';
import { QuorateError, toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { PayloadRef, Payloads } from '../../../contract/payload.ts';
import type { CoreState, ParentLink } from '../../../contract/turn.ts';
import { isUnreadable, jsonBytes, lifeFolder } from '../../protocol/claims.ts';
import { mergePeers, type OlderPeers, openPeers, putPeers, type Remembered } from '../sort/peers.ts';
import { BOUNDS, MAX_STATE_BYTES, type Outline, type SessionState } from './session-state.ts';
import { toWritten, type WrittenState } from './written-state.ts';

/** What goes to the payload store: all that grows with what a machine does. */
type Claimed = Pick<SessionState, 'core' | 'outbox' | 'scheduled' | 'watchers' | 'control'>;

export interface Stowed {
  /** The state as it is to be written to the session. */
  readonly written: WrittenState;
  readonly state: SessionState;
  readonly olderPeers: OlderPeers;
}

interface StowContext {
  readonly actor: ActorAddress;
  readonly payloads: Payloads;
  readonly olderPeers: OlderPeers;
  readonly memory: Remembered;
  readonly now: number;
  /** A larger state is put away; default what a session takes. */
  readonly most?: number;
}

/** `bytes`: size of the state as JSON. Throws STATE_TOO_LARGE, or what the storage threw. */
export async function stowState(given: SessionState, bytes: number, context: StowContext): Promise<Stowed> {
  const { state, olderPeers } = await stowPeers(given, context);
  const whole = toWritten(state);
  const { most = MAX_STATE_BYTES } = context;
  // A state is never larger as written than in memory, so the written size is needed only near the limit.
  if (bytes <= most || bytesOf(whole) <= most) return { written: whole, state, olderPeers };
  const written = state.core === null ? whole : await claim(whole, state.core, context);
  const left = bytesOf(written);
  if (left > MAX_STATE_BYTES)
    throw new QuorateError(
      'STATE_TOO_LARGE',
      `the state would take ${left} bytes in the session, at most ${MAX_STATE_BYTES} are written`,
    );
  return { written, state, olderPeers };
}

async function claim(
  { core, outbox, scheduled, watchers, control, ...rest }: WrittenState,
  living: CoreState,
  { payloads, actor }: StowContext,
): Promise<WrittenState> {
  const claimed: Claimed = {
    core,
    outbox,
    scheduled,
    ...(watchers === undefined ? {} : { watchers }),
    ...(control === undefined ? {} : { control }),
  };
  const folder = lifeFolder(payloads.scope, actor, living.incarnation);
  const ref = await payloads.put(folder, `state-${randomUUID()}`, claimed as unknown as Json);
  // What is left says that there is control, and so the format.
  const marker = control === undefined ? {} : { control: {} };
  const written: WrittenState = { ...rest, ...marker, core: null, outbox: [], scheduled: {}, claim: ref };
  const outlined: WrittenState = { ...written, outline: outlineOf(living) };
  return bytesOf(outlined) <= MAX_STATE_BYTES ? outlined : written;
}

function outlineOf({ incarnation, turn, startedAt, parent, waiters, asks }: CoreState): Outline {
  const { system: _, ...link } = parent ?? {};
  return {
    incarnation,
    turn,
    startedAt,
    waiters: waiters.slice(-BOUNDS.outlinedWaiters),
    ...(parent === undefined ? {} : { parent: link as ParentLink }),
    ...(Object.keys(asks?.open ?? {}).length === 0 ? {} : { asks: true as const }),
  };
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
  /** Why the older peers are not there: the state is whole but for them. */
  readonly peersLost?: ErrorJson;
}

/** Throws PAYLOAD_NOT_FOUND or PAYLOAD_UNREADABLE, or what the storage threw. */
export async function openState(written: SessionState, payloads: Payloads): Promise<OpenedState> {
  const { claim: ref, outline: _, ...rest } = written;
  const peers = await readPeers(written.inbox.olderPeers, payloads);
  if (ref === undefined) return { state: withoutPeers(written, peers), ...peers };
  const claimed = (await payloads.get(ref)) as unknown as Claimed;
  return { state: withoutPeers({ ...rest, ...claimed }, peers), claim: ref, ...peers };
}

type ReadPeers = Pick<OpenedState, 'olderPeers' | 'peersLost'>;

async function readPeers(ref: PayloadRef | undefined, payloads: Payloads): Promise<ReadPeers> {
  try {
    return { olderPeers: await openPeers(ref, payloads) };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    return { peersLost: error };
  }
}

/** Their file is kept, for a codec may only be missing here; no state names it any more. */
function withoutPeers(state: SessionState, { peersLost }: ReadPeers): SessionState {
  if (peersLost === undefined) return state;
  const { olderPeers: _, ...inbox } = state.inbox;
  return { ...state, inbox };
}

function bytesOf(written: WrittenState): number {
  return jsonBytes(written as unknown as Json);
}
