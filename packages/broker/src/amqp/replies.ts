/** Replies on their way back: over the link that the request names, when its credit and its reader allow it. */
import { Fifo } from '../collections.ts';
import type { Request } from './requests.ts';
import {
  allSent,
  creditOf,
  messages,
  outgoingOf,
  type Receiver,
  remoteSource,
  remoteTarget,
  type Sender,
  type Session,
  sendSettled,
  trafficOf,
  types,
} from './rhea.ts';
import type { Traffic } from './traffic.ts';

/** What a reply that waits keeps in memory beside its bytes. */
const WAITING_BYTES = 1024;
const INTERNAL_ERROR = 500;

export interface Said {
  readonly properties: Record<string, unknown>;
  /** A value, or the bytes of a section. */
  readonly body?: unknown;
}

/**
 * The reply links of one connection. A request names one by link name or target address; one that names none, or one
 * that nobody attached, is answered over the link that its session attached to the same node, as the service does.
 */
export class ReplyLinks {
  readonly #named = new Map<string, ReplyLink>();
  readonly #links = new Set<ReplyLink>();

  /** A reply waits for credit. */
  get waiting(): boolean {
    return [...this.#links].some(({ waiting }) => waiting);
  }

  add(sender: Sender, address: string | undefined): void {
    const link = new ReplyLink(sender);
    this.#links.add(link);
    for (const name of [sender.name, address]) if (name) this.#named.set(name, link);
    sender.on('sender_close', () => this.#remove(link));
  }

  /** A session may end without its links being detached. */
  ended(session: Session): void {
    for (const link of this.#links) if (link.session === session) this.#remove(link);
  }

  reply(request: Request, said: Said): void {
    const bytes = encoded(request, said);
    this.#send(request, { bytes: bytes.length, make: () => bytes, later: false });
  }

  /** Makes the reply when it can be sent, in its turn, so that large replies do not wait in memory. */
  replyLater(request: Request, say: () => Said): void {
    this.#send(request, { bytes: 0, make: () => encoded(request, saidOrSorry(say)), later: true });
  }

  #send(
    request: Request,
    { bytes, make, later }: { bytes: number; make: () => Buffer; later: boolean },
  ): void {
    const { answered } = request;
    const link = this.#linkFor(request);
    if (link) link.send({ bytes: WAITING_BYTES + bytes, make, later, answered });
    else answered();
  }

  #linkFor({ replyTo, link }: Request): ReplyLink | undefined {
    const named = this.#named.get(replyTo);
    if (named) return named;
    return [...this.#links].findLast((each) => each.repliesTo(link));
  }

  #remove(link: ReplyLink): void {
    this.#links.delete(link);
    for (const [name, known] of this.#named) if (known === link) this.#named.delete(name);
    link.end();
  }
}

interface WaitingReply {
  readonly bytes: number;
  readonly make: () => Buffer;
  readonly later: boolean;
  readonly answered: () => void;
}

/** Replies wait for credit, because one without it would hold up everything behind it, and for clients that read slowly. */
class ReplyLink {
  readonly #sender: Sender;
  readonly #traffic: Traffic;
  readonly #waiting = new Fifo<WaitingReply>();
  /** Handed to rhea and not yet written, so still within the credit it shows. */
  #unsent = 0;
  /** Its client wants to hear when nothing more comes for now. */
  #draining = false;
  /** It waits for its turn or for its reader, and continues by itself. */
  #goesOn = false;

  constructor(sender: Sender) {
    this.#sender = sender;
    this.#traffic = trafficOf(sender);
    sender.on('sendable', () => this.#flush());
    sender.on('sender_draining', () => {
      this.#draining = true;
      this.#flush();
    });
  }

  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  get session(): Session {
    return this.#sender.session;
  }

  /** Both halves of an exchange: one session, one node. */
  repliesTo(link: Receiver): boolean {
    return (
      link.session === this.session && remoteTarget(link)?.address === remoteSource(this.#sender)?.address
    );
  }

  send(reply: WaitingReply): void {
    this.#waiting.push(reply);
    this.#traffic.holdReplies(reply.bytes);
    this.#flush();
  }

  end(): void {
    while (this.#next());
  }

  /** One that is made now. */
  #sendLate(): void {
    this.#goesOn = false;
    if (this.#ready() && !this.#congested) this.#sendNext();
    this.#flush();
  }

  #flush(): void {
    while (!this.#goesOn && this.#ready()) {
      if (this.#congested) {
        this.#goesOn = true;
        this.#traffic.whenClear(outgoingOf(this.#sender), () => {
          this.#goesOn = false;
          this.#flush();
        });
      } else if (this.#waiting.peek()?.later) {
        this.#goesOn = true;
        this.#traffic.inTurn(() => this.#sendLate());
      } else {
        this.#sendNext();
      }
    }
    // What is made in its turn still needs its credit.
    if (!this.#draining || (this.waiting && creditOf(this.#sender) > this.#unsent)) return;
    this.#draining = false;
    this.#sender.set_drained(true);
  }

  get #congested(): boolean {
    return this.#traffic.congested(outgoingOf(this.#sender));
  }

  #ready(): boolean {
    if (allSent(this.#sender)) this.#unsent = 0;
    return this.waiting && this.#sender.sendable() && creditOf(this.#sender) > this.#unsent;
  }

  #sendNext(): void {
    const reply = this.#next();
    if (!reply) return;
    sendSettled(this.#sender, reply.make());
    this.#unsent += 1;
  }

  #next(): WaitingReply | undefined {
    const reply = this.#waiting.shift();
    if (!reply) return undefined;
    this.#traffic.holdReplies(-reply.bytes);
    reply.answered();
    return reply;
  }
}

function encoded({ id }: Request, { properties, body }: Said): Buffer {
  const head = { correlation_id: id, application_properties: properties };
  if (!Buffer.isBuffer(body)) return encode({ ...head, body });
  return Buffer.concat([encode({ ...head, body: NO_SECTION }), body]);
}

/** rhea asks a body for its sections. */
const NO_SECTION = { collect_sections: () => {} };

function encode(message: object): Buffer {
  return messages.encode(message);
}

/** A reply that cannot be made, as when the store has been closed, is no fault of its sender. */
function saidOrSorry(say: () => Said): Said {
  try {
    return say();
  } catch (error) {
    return { properties: { statusCode: types.wrap_int(INTERNAL_ERROR), statusDescription: String(error) } };
  }
}
