import { settleDelivery } from './dispositions.ts';
import { accepted } from './outcomes.ts';
import { messages, type Receiver, type Sender, sendSettled, types } from './rhea.ts';

/** One request over `$cbs` or `$management`. */
export interface Request {
  id: unknown;
  replyTo: string;
  properties: Record<string, unknown>;
  body: unknown;
}

const CREDIT = 100;

/** Turns transfers on a request link into requests. */
export function serveRequests(receiver: Receiver, handle: (request: Request) => void): void {
  receiver.add_credit(CREDIT);
  receiver.on('message', ({ message, delivery }) => {
    receiver.add_credit(1);
    if (delivery) settleDelivery(delivery, accepted);
    const decoded = messages.decode(message as Buffer) as unknown as {
      message_id?: unknown;
      reply_to?: string;
      application_properties?: Record<string, unknown>;
      body: unknown;
    };
    handle({
      id: decoded.message_id,
      replyTo: decoded.reply_to ?? '',
      properties: decoded.application_properties ?? {},
      body: decoded.body,
    });
  });
}

/** The reply links of one connection; a request names one by link name or target address. */
export class ReplyLinks {
  readonly #links = new Map<string, ReplyLink>();

  add(sender: Sender, address: string | undefined): void {
    const link = new ReplyLink(sender);
    for (const name of [sender.name, address]) if (name) this.#links.set(name, link);
    sender.on('sender_close', () => {
      for (const [name, known] of this.#links) if (known === link) this.#links.delete(name);
    });
  }

  reply(request: Request, properties: Record<string, unknown>, body?: unknown): void {
    const encoded = messages.encode({
      // rhea takes any buffer for a UUID.
      correlation_id:
        Buffer.isBuffer(request.id) && request.id.length !== 16 ? types.wrap_binary(request.id) : request.id,
      application_properties: properties,
      body,
    });
    this.#links.get(request.replyTo)?.send(Buffer.from(encoded));
  }
}

/** Replies wait for credit: one queued without would hold up everything behind it. */
class ReplyLink {
  readonly #sender: Sender;
  readonly #waiting: Buffer[] = [];

  constructor(sender: Sender) {
    this.#sender = sender;
    sender.on('sendable', () => this.#flush());
  }

  send(reply: Buffer): void {
    this.#waiting.push(reply);
    this.#flush();
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#sender.sendable()) {
      const reply = this.#waiting.shift();
      if (reply) sendSettled(this.#sender, reply);
    }
  }
}
