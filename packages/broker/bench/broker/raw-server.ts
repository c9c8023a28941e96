// The yardstick of the broker's bench: rhea as it comes, in a process of its own, with queues in memory and nothing else. It
// grants credit, accepts, delivers under peek-lock and keeps session states; it checks, stamps, orders and stores nothing.
import { randomBytes } from 'node:crypto';
import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import { SESSION_QUEUE } from './entities.ts';

const CREDIT = 1000;
/** Nobody receives what the sending works send: what came before these goes. */
const KEPT_MESSAGES = 20_000;
const KEPT_BATCHES = 200;
const BATCH_FORMAT = 0x80013700;
const SESSION_FILTER = 'com.microsoft:session-filter';
const ACCEPTED = 202;
const OK = 200;
const FIRST_FREE_PORT = 0;
const LOCK_MS = 60_000;
const LOCK_TOKEN_BYTES = 16;
/** From year 1, where .NET begins to count, to 1970. */
const DOTNET_EPOCH_MS = 62_135_596_800_000n;
const TICKS_PER_MS = 10_000n;

/** What rhea's types leave out. */
interface Inner {
  readonly credit: number;
  readonly local: { readonly attach: { properties?: Record<string, unknown> } };
  readonly state: { local_open: boolean; open_requests: number };
}

const ACCEPT = (rhea.message as unknown as { accepted(): { described(): undefined } }).accepted().described();

interface Queue {
  readonly requiresSession: boolean;
  readonly sessions: Map<string, Message[]>;
  readonly messages: Message[];
  /** As they came; taken apart when somebody receives. */
  batches: Buffer[];
  readonly receivers: Set<Sender>;
  /** Receivers that wait for a session with messages. */
  readonly waiting: Sender[];
}

const queues = new Map<string, Queue>();
const states = new Map<string, Buffer>();
const held = new Map<Sender, Message[]>();

const container = rhea.create_container({ id: 'raw' });
container.on('connection_open', ({ connection }: EventContext) => serve(connection));
container.on('disconnected', () => {});
container.on('error', () => {});
const server = container.listen({
  port: FIRST_FREE_PORT,
  host: '127.0.0.1',
  tcp_no_delay: true,
  receiver_options: { credit_window: CREDIT },
  sender_options: { treat_modified_as_released: false },
} as Parameters<typeof container.listen>[0]);
server.on('listening', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') {
    console.log(
      `Endpoint=sb://localhost:${address.port};SharedAccessKeyName=raw;SharedAccessKey=raw;UseDevelopmentEmulator=true;`,
    );
  }
});

function serve(connection: Connection): void {
  const replies = new Map<string, Sender>();
  connection.on('receiver_open', ({ receiver }: EventContext) => {
    if (receiver === undefined) return;
    const address = receiver.target?.address ?? '';
    receiver.set_target({ address });
    if (address === '$cbs') receiver.on('message', ({ message }) => putToken(replies, message));
    else if (address.endsWith('/$management'))
      receiver.on('message', ({ message }) => manage(replies, message));
    else take(receiver, queueOf(address));
  });
  connection.on('sender_open', ({ sender }: EventContext) => {
    if (sender === undefined) return;
    const { source, target } = sender;
    const address = source?.address ?? '';
    sender.set_source({ address });
    sender.set_target({ address: target?.address ?? '' });
    if (address === '$cbs' || address.endsWith('/$management')) {
      for (const name of [sender.name, target?.address]) if (name) replies.set(name, sender);
    } else {
      give(sender, queueOf(address), source?.filter as Record<string, unknown> | undefined);
    }
  });
}

function take(receiver: Receiver, queue: Queue): void {
  receiver.on('message', ({ message, format }: EventContext & { format?: number }) => {
    const batched = format === BATCH_FORMAT ? (message as unknown as Buffer) : undefined;
    if (queue.requiresSession) {
      for (const each of batched ? split(batched) : [message as Message]) {
        const session = String(each.group_id);
        if (queue.sessions.has(session)) queue.sessions.get(session)?.push(each);
        else queue.sessions.set(session, [each]);
      }
      matchSessions(queue);
      return;
    }
    if (batched) queue.batches.push(batched);
    else queue.messages.push(message as Message);
    if (queue.messages.length > 2 * KEPT_MESSAGES) queue.messages.splice(0, KEPT_MESSAGES);
    if (queue.batches.length > 2 * KEPT_BATCHES) queue.batches.splice(0, KEPT_BATCHES);
    for (const each of queue.receivers) deliver(each, queue);
  });
}

function give(sender: Sender, queue: Queue, filter: Record<string, unknown> | undefined): void {
  // Peek-lock: the receiver settles second and says nothing after this answer, for which rhea would wait.
  sender.on('accepted', ({ delivery }) => {
    if (delivery === undefined) return;
    delivery.update(true, ACCEPT);
    delivery.remote_settled = true;
  });
  if (filter && SESSION_FILTER in filter) {
    hold(sender);
    queue.waiting.push(sender);
    matchSessions(queue);
    sender.on('sendable', () => deliver(sender, { messages: held.get(sender) ?? [], batches: [] }));
    sender.on('sender_close', () => held.delete(sender));
  } else {
    queue.receivers.add(sender);
    sender.on('sendable', () => deliver(sender, queue));
    sender.on('sender_close', () => queue.receivers.delete(sender));
  }
}

function matchSessions(queue: Queue): void {
  for (const [id, messages] of queue.sessions) {
    const sender = queue.waiting.shift();
    if (sender === undefined) return;
    queue.sessions.delete(id);
    held.set(sender, messages);
    sender.set_source({
      address: sender.source?.address ?? '',
      filter: { [SESSION_FILTER]: id },
    });
    const ticks = Buffer.alloc(8);
    ticks.writeBigInt64BE((BigInt(Date.now() + LOCK_MS) + DOTNET_EPOCH_MS) * TICKS_PER_MS);
    inner(sender).local.attach.properties = {
      'com.microsoft:locked-until-utc': rhea.types.wrap_long(ticks),
    };
    sender.open();
  }
}

function deliver(sender: Sender, { messages, batches }: Pick<Queue, 'messages' | 'batches'>): void {
  let sent = 0;
  while (sender.sendable() && sent < inner(sender).credit) {
    if (sent === messages.length) {
      const next = batches.shift();
      if (next === undefined) break;
      messages.push(...split(next));
    }
    const message = messages[sent];
    if (message) sender.send(locked(message), randomBytes(LOCK_TOKEN_BYTES));
    sent += 1;
  }
  messages.splice(0, sent);
}

/** rhea answers an attach when its handler returns, unless told not to. */
function hold(sender: Sender): void {
  const { state } = inner(sender);
  state.local_open = false;
  state.open_requests = 0;
}

function inner(sender: Sender): Inner {
  return sender as unknown as Inner;
}

function putToken(replies: ReadonlyMap<string, Sender>, request: Message | undefined): void {
  reply(replies, request, { 'status-code': ACCEPTED, 'status-description': 'Accepted' });
}

function manage(replies: ReadonlyMap<string, Sender>, request: Message | undefined): void {
  const body = request?.body as Record<string, unknown>;
  const session = String(body['session-id']);
  const state = body['session-state'];
  if (Buffer.isBuffer(state)) states.set(session, state);
  const answer =
    request?.application_properties?.['operation'] === 'com.microsoft:get-session-state'
      ? { 'session-state': states.get(session) ?? null }
      : null;
  reply(replies, request, { statusCode: OK, statusDescription: 'OK' }, answer);
}

function reply(
  replies: ReadonlyMap<string, Sender>,
  request: Message | undefined,
  properties: Record<string, unknown>,
  body: unknown = null,
): void {
  const link = replies.get(String(request?.reply_to));
  if (link === undefined || request?.message_id === undefined) return;
  // Settled as it is sent: the peer's own little answer would cost it a round trip.
  (
    link.send({ correlation_id: request.message_id, application_properties: properties, body }) as {
      settled: boolean;
    }
  ).settled = true;
}

function queueOf(address: string): Queue {
  const known = queues.get(address) ?? {
    requiresSession: address === SESSION_QUEUE,
    sessions: new Map(),
    messages: [],
    batches: [],
    receivers: new Set(),
    waiting: [],
  };
  queues.set(address, known);
  return known;
}

/** A batch is a message whose data sections are messages. */
function split(bytes: Buffer): readonly Message[] {
  const { content } = rhea.message.decode(bytes).body as { content: Buffer | Buffer[] };
  return (Array.isArray(content) ? content : [content]).map(
    (each) => rhea.message.decode(each) as unknown as Message,
  );
}

/** The SDK renews no lock whose end it is not told. */
function locked(message: Message): Message {
  message.message_annotations = { 'x-opt-locked-until': new Date(Date.now() + LOCK_MS) };
  return message;
}
