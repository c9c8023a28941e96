import { createHmac, randomUUID } from 'node:crypto';
import rhea, { type Connection, type EventContext, type Session } from 'rhea';
import { onTestFinished } from 'vitest';
import type { Broker } from '../../src/index.ts';

/** An AMQP client below the SDK, for what the SDK never sends. */
export interface RawClient {
  readonly connection: Connection;
  putToken(audience: string, token: string, type?: string): Promise<Record<string, unknown>>;
  manage(entity: string, properties: Record<string, unknown>, body: unknown): Promise<RawReply>;
}

export interface RawReply {
  properties: Record<string, unknown>;
  body: Record<string, unknown>;
  /** The whole reply as bytes, for values whose types matter. */
  encoded: Buffer;
}

export function sasToken(
  broker: Broker,
  audience: string,
  change: { key?: string; expiresAt?: number } = {},
): string {
  const [, keyName, key] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(broker.connectionString) ?? [];
  const resource = encodeURIComponent(audience);
  const expiry = Math.floor((change.expiresAt ?? Date.now() + 3_600_000) / 1000);
  const signature = createHmac('sha256', change.key ?? key ?? '')
    .update(`${resource}\n${expiry}`)
    .digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${keyName}`;
}

export async function rawClient(
  broker: Broker,
  { namespaceToken = true }: { namespaceToken?: boolean } = {},
): Promise<RawClient> {
  const container = rhea.create_container();
  container.on('error', () => {});
  container.on('disconnected', () => {});
  const connection = container.connect({
    port: broker.port,
    host: '127.0.0.1',
    username: 'raw',
    reconnect: false,
  });
  onTestFinished(() => connection.close());
  await new Promise((resolve) => connection.once('connection_open', resolve));

  const open = new Map<string, ReturnType<typeof openPair>>();
  const request = async (address: string, message: object): Promise<RawReply> => {
    let links = open.get(address);
    if (!links) {
      links = openPair(connection, address);
      open.set(address, links);
    }
    const { sender, receiver, replyTo, latest } = await links;
    const id = randomUUID();
    return new Promise((resolve) => {
      const listen = ({ message: reply }: EventContext) => {
        if (reply?.correlation_id !== id) return;
        receiver.off('message', listen);
        const encoded = latest();
        resolve({ properties: reply.application_properties ?? {}, body: reply.body ?? {}, encoded });
      };
      receiver.on('message', listen);
      sender.send({ message_id: id, reply_to: replyTo, ...message } as never);
    });
  };

  const putToken = async (audience: string, token: string, type = 'servicebus.windows.net:sastoken') => {
    const properties = { operation: 'put-token', name: audience, type };
    return (await request('$cbs', { application_properties: properties, body: token })).properties;
  };
  const audience = `sb://127.0.0.1:${broker.port}/`;
  if (namespaceToken) await putToken(audience, sasToken(broker, audience));
  return {
    connection,
    putToken,
    manage: (entity, properties, body) =>
      request(`${entity}/$management`, { application_properties: properties, body }),
  };
}

/** What rhea decodes, as its frames had it: gives the bytes of the message that is being handled. */
export function bytesOf(session: Session): () => Buffer {
  const incoming = session as unknown as {
    on_transfer(frame: { payload: Buffer; performative: { more?: boolean } }): void;
  };
  const onTransfer = incoming.on_transfer.bind(session);
  let parts: Buffer[] = [];
  let latest = Buffer.alloc(0);
  incoming.on_transfer = (frame) => {
    parts.push(frame.payload);
    if (!frame.performative.more) {
      latest = Buffer.concat(parts);
      parts = [];
    }
    onTransfer(frame);
  };
  return () => latest;
}

async function openPair(connection: Connection, address: string) {
  const session = connection.create_session();
  session.begin();
  const latest = bytesOf(session);
  const replyTo = randomUUID();
  const receiver = session.open_receiver({ source: address, target: replyTo, name: replyTo });
  const sender = session.open_sender({ target: { address } });
  await new Promise((resolve) => sender.once('sendable', resolve));
  return { sender, receiver, replyTo, latest };
}
