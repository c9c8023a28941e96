/**
 * What rhea's sessions do with frames, where a peer that errs or means harm could do damage by it: transfers without
 * credit or end, ranges without end, names and handles used again.
 */
import type { Holding } from '../transport/holdings.ts';
import { MAX_FRAME_BYTES } from './frame-reader.ts';
import { isCoordinator, transactionalState } from './transactional-state.ts';
import { Violation } from './violation.ts';

interface IncomingDelivery {
  frames: Buffer[];
  settled: boolean;
  tag: Buffer | undefined;
}

export interface GuardedLink {
  readonly name: string;
  readonly local: { readonly handle: number; readonly attach: { max_message_size?: number | undefined } };
  readonly remote: { attach?: { handle: number } };
  readonly state: { readonly local_open: boolean; readonly remote_open: boolean; need_open(): boolean };
  credit: number;
  issue_flow: boolean;
  _incomplete: IncomingDelivery | undefined;
  is_receiver(): boolean;
  close(error?: { condition: string; description: string }): void;
  remove(): void;
}

interface AttachFields {
  name: string;
  role: boolean;
  target: unknown;
  /** Ours: a target that rhea does not know. */
  coordinator?: boolean;
}

interface TransferFields {
  delivery_id: number | undefined;
  message_format: number | undefined;
  more: boolean | undefined;
  aborted: boolean | undefined;
}

interface FlowFields {
  handle: number | undefined;
  delivery_count: number | undefined;
  link_credit: number | undefined;
  drain: boolean;
  echo: boolean | undefined;
}

/** Where a disposition has its outcome. */
const STATE = 4;

interface DispositionFields {
  readonly value: ({ readonly value: unknown } | undefined)[];
  role: boolean;
  first: number;
  last: number | undefined;
  state: unknown;
}

interface Frame<Fields> {
  performative: Fields;
  payload: Buffer | undefined;
}

interface Deliveries {
  readonly size: number;
  get_head(): { readonly id: number } | undefined;
  /** `transaction` is ours: the one that it is settled in. */
  by_id(id: number): { transaction?: Buffer } | undefined;
}

interface Settled {
  readonly link: { dispatch(event: string, context: unknown): void; _context(of: object): unknown };
  readonly remote_state: { readonly constructor: { readonly composite_type?: string } } | undefined;
  readonly remote_settled: boolean;
}

interface Outcomes {
  updated: Settled[];
}

export interface GuardedSession {
  /** By whatever; rhea goes through them. */
  links: Record<string, GuardedLink>;
  readonly local: { handles: Record<number, GuardedLink> };
  readonly remote: { handles: Record<number, GuardedLink> };
  readonly incoming: {
    readonly deliveries: Deliveries;
    next_transfer_id: number;
    next_delivery_id: number | undefined;
  };
  readonly outgoing: Outcomes & {
    readonly deliveries: Deliveries;
    readonly next_pending_delivery: number;
    process(): void;
  };
  output(frame: unknown): void;
  on_attach(frame: Frame<AttachFields>): void;
  on_transfer(frame: Frame<TransferFields>): void;
  on_flow(frame: Frame<FlowFields>): void;
  on_disposition(frame: Frame<DispositionFields>): void;
  on_end(frame: Frame<unknown>): void;
  remove_link(link: GuardedLink): void;
  _write_flow(): void;
}

/** rhea decodes messages of format 0 and hands over others as they are, so format 0 arrives under this number. */
const PLAIN_FORMAT = 0x7fff_ffff;
/** What a link takes that says nothing of it. */
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;
/** A fragment costs this much beside its bytes. */
const FRAGMENT_BYTES = 128;
const NO_BYTES = Buffer.alloc(0);

/** `flush` writes what the session has to say. */
export function guardSession(session: GuardedSession, holding: Holding, flush: () => void): void {
  guardLinks(session, flush);
  guardTransfers(session, holding);
  guardFlow(session);
  guardDispositions(session);
}

function guardLinks(session: GuardedSession, flush: () => void): void {
  const onAttach = session.on_attach.bind(session);
  // A sender and a receiver may have one name, as Proton's have; rhea knows one link a name.
  const named = new Map<string, GuardedLink>();
  const places = new Map<GuardedLink, { readonly name: string; readonly slot: number }>();
  const unopened = new Set<GuardedLink>();
  let slots = 0;
  session.links = {};
  session.on_attach = (frame) => {
    const { role, name: given } = frame.performative;
    if (isCoordinator(frame.performative.target)) {
      frame.performative.target = null;
      frame.performative.coordinator = true;
    }
    const name = `${role} ${given}`;
    const old = named.get(name);
    if (old?.state.remote_open) {
      throw new Violation('amqp:session:handle-in-use', `The link '${given}' is attached already.`);
    }
    if (old) {
      // Detached and attached again in one breath: rhea would take it for the link that is just going.
      old.close();
      flush();
      old.remove();
    }
    const { links } = session;
    const created: Record<string, GuardedLink> = Object.create(null);
    session.links = created;
    try {
      onAttach(frame);
    } finally {
      session.links = links;
    }
    for (const link of Object.values(created)) {
      slots += 1;
      links[slots] = link;
      named.set(name, link);
      places.set(link, { name, slot: slots });
      unopened.add(link);
    }
  };
  // rhea writes transfers before the attach of their link, if a peer gives credit in the same breath as its own attach.
  const process = session.outgoing.process.bind(session.outgoing);
  session.outgoing.process = () => {
    for (const link of unopened) {
      if (!link.state.need_open()) continue;
      session.output(link.local.attach);
      unopened.delete(link);
    }
    process();
  };
  // rhea forgets the peer's handle, and by name it would remove a successor.
  session.remove_link = (link) => {
    const place = places.get(link);
    places.delete(link);
    unopened.delete(link);
    if (place) delete session.links[place.slot];
    if (place && named.get(place.name) === link) named.delete(place.name);
    const { handles } = session.remote;
    const handle = link.remote.attach?.handle;
    if (handle !== undefined && handles[handle] === link) delete handles[handle];
    if (session.local.handles[link.local.handle] === link) delete session.local.handles[link.local.handle];
  };
}

function guardTransfers(session: GuardedSession, holding: Holding): void {
  const onTransfer = session.on_transfer.bind(session);
  const held = new Map<GuardedLink, number>();
  const release = (link: GuardedLink) => {
    holding.add('messages', -(held.get(link) ?? 0));
    held.delete(link);
  };
  const drop = (link: GuardedLink) => {
    if (link._incomplete) {
      link._incomplete.settled = true;
      link._incomplete.frames = [];
      link._incomplete = undefined;
    }
    release(link);
  };
  session.on_transfer = (frame) => {
    const link = linkOf(session, frame);
    const { performative } = frame;
    frame.payload ??= NO_BYTES;
    if (!performative.message_format) performative.message_format = PLAIN_FORMAT;
    if (performative.aborted || !link.state.local_open) {
      drop(link);
      return skip(session, performative);
    }
    if (!link._incomplete && performative.delivery_id === undefined) {
      throw new Violation('amqp:invalid-field', 'The first transfer of a delivery must say its id.');
    }
    if (!link._incomplete && link.credit <= 0) {
      link.close({
        condition: 'amqp:link:transfer-limit-exceeded',
        description: 'A message was sent without credit.',
      });
      return skip(session, performative);
    }
    if (!performative.more && !link._incomplete) return onTransfer(frame);
    const bytes = (held.get(link) ?? 0) + frame.payload.length + FRAGMENT_BYTES;
    if (bytes > largestOf(link)) {
      drop(link);
      link.close({
        condition: 'amqp:link:message-size-exceeded',
        description: 'The message is larger than the link takes.',
      });
      return skip(session, performative);
    }
    holding.add('messages', frame.payload.length + FRAGMENT_BYTES);
    held.set(link, bytes);
    if (!performative.more) release(link);
    frame.payload = alone(frame.payload);
    onTransfer(frame);
    if (link._incomplete?.tag) link._incomplete.tag = alone(link._incomplete.tag);
  };
  const onEnd = session.on_end.bind(session);
  session.on_end = (frame) => {
    for (const link of held.keys()) drop(link);
    onEnd(frame);
  };
  const removeLink = session.remove_link.bind(session);
  session.remove_link = (link) => {
    drop(link);
    removeLink(link);
  };
}

/** Without the rest of the chunk that it came in. */
function alone(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}

function linkOf(session: GuardedSession, frame: Frame<TransferFields>): GuardedLink {
  const { handle } = frame.performative as unknown as { handle: number };
  const link = session.remote.handles[handle];
  if (!link?.is_receiver()) throw new Violation('amqp:not-allowed', 'A transfer on a link that receives.');
  return link;
}

/** The broker refuses somewhat larger messages one by one; only what is far beyond ends the link. */
function largestOf(link: GuardedLink): number {
  return 2 * (link.local.attach.max_message_size ?? DEFAULT_MESSAGE_BYTES) + MAX_FRAME_BYTES;
}

/** The transfer is counted and nothing else. */
function skip({ incoming }: GuardedSession, { delivery_id: id }: TransferFields): void {
  incoming.next_transfer_id += 1;
  if (id !== undefined) incoming.next_delivery_id = id + 1;
}

function guardFlow(session: GuardedSession): void {
  const onFlow = session.on_flow.bind(session);
  session.on_flow = (frame) => {
    const { performative } = frame;
    const { handle, echo } = performative;
    const link = handle === undefined ? undefined : session.remote.handles[handle];
    // A link that is gone; what is said of the session counts all the same.
    if (!link && handle !== undefined) (performative as { handle: unknown }).handle = null;
    if (link?.is_receiver()) performative.drain = false;
    if (link) {
      performative.delivery_count ??= 0;
      performative.link_credit ??= 0;
    }
    onFlow(frame);
    if (!echo) return;
    if (link) link.issue_flow = true;
    else session._write_flow();
  };
}

function guardDispositions(session: GuardedSession): void {
  const onDisposition = session.on_disposition.bind(session);
  session.on_disposition = (frame) => {
    const { performative } = frame;
    // rhea takes a null for an outcome that it does not know.
    if (performative.value[STATE]?.value === null) performative.value[STATE] = undefined;
    const { deliveries } = performative.role ? session.outgoing : session.incoming;
    const head = deliveries.get_head();
    if (!head) return;
    const first = Math.max(performative.first, head.id);
    // rhea would forget what is settled before it has left, and look for it ever after.
    const known = performative.role ? session.outgoing.next_pending_delivery : head.id + deliveries.size;
    const last = Math.min(performative.last ?? performative.first, known - 1);
    if (first > last) return;
    if (first !== performative.first) performative.first = first;
    if (last !== performative.last) performative.last = last;
    const transactional = transactionalState(performative.state);
    if (transactional) {
      for (let id = first; id <= last; id += 1) {
        const delivery = deliveries.by_id(id);
        if (delivery) delivery.transaction = transactional.id;
      }
      performative.state = transactional.outcome;
    }
    onDisposition(frame);
    if (performative.role) tellOutcomes(session.outgoing);
  };
}

/** rhea tells of them with its next pass: behind a request or a goodbye that came in the same breath. */
function tellOutcomes(outgoing: Outcomes): void {
  const { updated } = outgoing;
  outgoing.updated = [];
  for (const delivery of updated) {
    const { link, remote_state: state, remote_settled: settled } = delivery;
    const outcome = state?.constructor.composite_type;
    if (outcome) link.dispatch(outcome, link._context({ delivery }));
    if (settled) link.dispatch('settled', link._context({ delivery }));
  }
}
