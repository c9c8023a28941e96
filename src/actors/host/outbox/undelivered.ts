// Entries of a committed outbox that their target does not take. A message that can never be sent stops its actor at once,
// with the entry named. An entity that is missing, disabled or full is tried again, less and less often, and what waits for
// it leaves by itself when it is back; after five minutes the actor shows as quarantined. Meanwhile the actor stands still,
// its messages set back in order, and holds no lock: a message to its own session wakes it for the next try.
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { type InboundMessage, PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import type { ActorView, Forgotten, HeldActor } from '../held-actor.ts';
import { completed } from '../settle.ts';
import type { OutboxEntry, Quarantine, SessionState, UnsentEntry } from '../state/session-state.ts';
import { carryOut } from './carry-out.ts';
import type { Refusal } from './outbox.ts';

/** After so long in vain the actor shows as quarantined: somebody has to look. */
const QUARANTINED_AFTER_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The text of the quarantine: it names the entry that is in the way. */
function withEntry(
  { code, message }: Refusal,
  [first]: readonly OutboxEntry[],
  unsent: readonly UnsentEntry[] = [],
): string {
  const what =
    first?.kind === 'message'
      ? `${first.message.subject} to ${first.message.entity}`
      : first?.kind === 'scatter'
        ? `a scatter to ${first.agents.join(', ')}`
        : first?.kind === 'slice'
          ? `a scatter to ${unsent.find(({ execution }) => execution === first.execution)?.agents.join(', ')}`
          : `an ${first?.kind ?? 'entry'}`;
  return message === '' ? `${what}: ${code}` : `${what}: ${message}`;
}

/** The actor stands still with what was not taken as its outbox; the rest has left. */
export async function standStill(
  held: HeldActor,
  left: readonly OutboxEntry[],
  refusal: Refusal,
  state: SessionState = held.state,
  forgets?: Forgotten,
): Promise<void> {
  const { clock, logger } = held.host;
  const now = clock.now();
  const former = state.quarantine;
  const since = former?.undelivered?.since ?? now;
  const tries = (former?.undelivered?.tries ?? 0) + 1;
  const message = withEntry(refusal, left, state.control?.unsent);
  const { code, forGood } = refusal;
  const late = forGood || now - since >= QUARANTINED_AFTER_MS;
  const isNew = former?.undelivered?.shown !== true;
  const say = late && isNew ? 'error' : former === undefined ? 'warn' : 'debug';
  logger[say](`${late ? 'quarantined' : 'not delivered yet'}: ${message}`, { code, actor: held.name });
  const quarantine: Quarantine = {
    code,
    message,
    since: former?.since ?? now,
    parked: former?.parked ?? [],
    undelivered: { since, tries, ...(forGood ? { forGood } : {}), ...(late ? { shown: true } : {}) },
  };
  await held.commit({ ...state, outbox: left, quarantine }, forgets);
  await wakeLater(held);
}

const DELIVER = 'deliver#';

/** Sent again by each holder: the one before may have died in between. */
export async function wakeLater(held: HeldActor): Promise<void> {
  const { state, address, host } = held;
  const { undelivered } = state.quarantine ?? {};
  if (undelivered === undefined || undelivered.forGood === true) return;
  const { since, tries } = undelivered;
  const entity = actorQueue(address.type);
  const token = `${DELIVER}${since}#${tries}`;
  const wake: WireMessage = {
    entity,
    sessionId: address.id,
    subject: 'timer',
    messageId: hashId(entity, formatAddress(address), state.core?.incarnation ?? '', token),
    notBefore: host.clock.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'timer', token },
  };
  try {
    await host.bridge.publish([wake]);
  } catch (thrown) {
    await held.leave(thrown, 'not published yet');
  }
}

export function isWake(message: InboundMessage): boolean {
  const { token } = (message.body ?? {}) as { readonly token?: unknown };
  return message.subject === 'timer' && typeof token === 'string' && token.startsWith(DELIVER);
}

/** One more try, made for this message: its anchor (I5). True when all was taken: what was parked may be applied. */
export async function deliverAgain(held: HeldActor, message: InboundMessage): Promise<boolean> {
  const { quarantine } = held.state;
  // The outbox of a state that cannot be read is not there either: the release of that state tries again.
  if (held.isOutlined || quarantine?.undelivered === undefined || quarantine.undelivered.forGood === true)
    return false;
  await deliverNow(held, message);
  return held.state.quarantine?.releasing === true;
}

/** Carries the outbox out: then the state is being released, with this message as its anchor; else it stands still again. */
export async function deliverNow(held: HeldActor, message: InboundMessage): Promise<void> {
  const { left, refusal } = await carryOut(held, held.state.outbox, { committed: true });
  const { state } = held;
  const { inbox, forgets } = held.recorded([completed(message)]);
  if (refusal !== undefined) return standStill(held, left, refusal, { ...state, inbox }, forgets);
  await held.commit({ ...state, inbox, outbox: [], quarantine: released(state.quarantine) }, forgets);
}

function released(quarantine: Quarantine | undefined): Quarantine {
  const { code = '', message = '', since = 0, parked = [] } = quarantine ?? {};
  return { code, message, since, parked, releasing: true };
}

/** A stop, or a purge, gives up what was not taken. Nothing vanishes without a word. */
export function giveUpUndelivered({ state, host, name }: ActorView): void {
  if (state.quarantine?.undelivered === undefined) return;
  const { code, message } = state.quarantine;
  const count = state.outbox.length;
  host.logger.error(`stopped with ${count} entries that were not delivered, the first is ${message}`, {
    code,
    actor: name,
  });
}
