// Sessions with a state and nobody in them: each is accepted, its state written, and closed. Below the SDK, which takes a link
// with a token for each; the broker sees the same frames.
import { createHmac, randomUUID } from 'node:crypto';
import rhea, { type Connection, type EventContext, type Receiver, type Sender, type Session } from 'rhea';
import { SESSION_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';
import { BODY, inFlight } from './messages.ts';

const AT_ONCE = 64;
const REPORT_EVERY = 10_000;
const VALID_MS = 3_600_000;
const MANAGEMENT = `${SESSION_QUEUE}/$management`;

export const holdStates: Work = async ({ connectionString }, count, progress) => {
  const connection = await connect(connectionString);
  const session = connection.create_session();
  session.begin();
  const tokens = await openRequests(session, '$cbs');
  await tokens({
    application_properties: {
      operation: 'put-token',
      name: `sb://localhost/${SESSION_QUEUE}`,
      type: 'servicebus.windows.net:sastoken',
    },
    body: token(connectionString, `sb://localhost/${SESSION_QUEUE}`),
  });
  const manage = await openRequests(session, MANAGEMENT);
  let done = 0;
  const seconds = await inFlight(AT_ONCE, count, async (index) => {
    await hold(session, `idle-${index}`, async (link) => {
      const reply = await manage({
        application_properties: {
          operation: 'com.microsoft:set-session-state',
          'associated-link-name': link.name,
        },
        body: { 'session-id': `idle-${index}`, 'session-state': BODY },
      });
      if (reply['statusCode'] !== 200)
        throw new Error(`no state was set: ${String(reply['statusDescription'])}`);
    });
    done += 1;
    if (done % REPORT_EVERY === 0) progress(done);
  });
  connection.close();
  return seconds;
};

async function hold(session: Session, id: string, work: (link: Receiver) => Promise<void>): Promise<void> {
  const link = session.open_receiver({
    name: randomUUID(),
    source: { address: SESSION_QUEUE, filter: { 'com.microsoft:session-filter': id } },
    snd_settle_mode: 0,
    rcv_settle_mode: 1,
    credit_window: 0,
  });
  await once(link, 'receiver_open');
  await work(link);
  const closed = once(link, 'receiver_close');
  link.close();
  await closed;
}

type Reply = Record<string, unknown>;

/** A pair of links for requests. */
async function openRequests(session: Session, address: string): Promise<(message: object) => Promise<Reply>> {
  const replyTo = randomUUID();
  const waiting = new Map<string, (reply: Reply) => void>();
  const receiver = session.open_receiver({ source: address, target: replyTo, name: replyTo });
  receiver.on('message', ({ message }: EventContext) => {
    const id = String(message?.correlation_id);
    waiting.get(id)?.(message?.application_properties ?? {});
    waiting.delete(id);
  });
  const sender: Sender = session.open_sender({ target: { address } });
  await once(sender, 'sendable');
  return (message) =>
    new Promise((resolve) => {
      const id = randomUUID();
      waiting.set(id, resolve);
      sender.send({ message_id: id, reply_to: replyTo, body: undefined, ...message });
    });
}

async function connect(connectionString: string): Promise<Connection> {
  const container = rhea.create_container();
  const connection = container.connect({
    host: '127.0.0.1',
    port: Number(/Endpoint=sb:\/\/[^:;]+:(\d+)/.exec(connectionString)?.[1]),
    username: 'bench',
    reconnect: false,
    tcp_no_delay: true,
  } as Parameters<typeof container.connect>[0]);
  await once(connection, 'connection_open');
  return connection;
}

function token(connectionString: string, audience: string): string {
  const [, name, key] = /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const resource = encodeURIComponent(audience);
  const expiry = Math.floor((Date.now() + VALID_MS) / 1000);
  const signature = createHmac('sha256', key ?? '')
    .update(`${resource}\n${expiry}`)
    .digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${name}`;
}

function once(emitter: Connection | Sender | Receiver, event: string): Promise<unknown> {
  return new Promise((resolve) => void emitter.once(event, resolve));
}
