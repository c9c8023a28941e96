import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Keys } from './authorization.ts';
import { Claims } from './cbs.ts';
import { answerManagement } from './management/answer.ts';
import type { Target } from './management/operation.ts';
import { ReceiverLink } from './receiver-link.ts';
import { ReplyLinks, serveRequests } from './requests.ts';
import {
  type Connection,
  localAttach,
  type Receiver,
  remoteSource,
  remoteTarget,
  type Sender,
  type Session,
} from './rhea.ts';
import { serveSender } from './sender-link.ts';
import { attachSession, SESSION_FILTER } from './session-attach.ts';

const CBS = '$cbs';
const MANAGEMENT = '/$management';

/** One client connection: decides what each link that it attaches is, and cleans up after it. */
export class Peer {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #claims: Claims;
  readonly #replies = new ReplyLinks();
  /** What to do when a link goes away, however it does. */
  readonly #gone = new Map<Sender | Receiver, () => void>();

  constructor(core: Core, namespace: Namespace, keys: Keys, connection: Connection) {
    this.#core = core;
    this.#namespace = namespace;
    // Tokens carry real time, whatever clock the broker runs on.
    this.#claims = new Claims(keys, Date.now);
    connection.on('receiver_open', ({ receiver }) => this.#guard(receiver, (link) => this.#onReceiver(link)));
    connection.on('sender_open', ({ sender }) => this.#guard(sender, (link) => this.#onSender(link)));
    connection.on('receiver_close', ({ receiver }) => this.#closed(receiver));
    connection.on('sender_close', ({ sender }) => this.#closed(sender));
    connection.on('session_close', ({ session }) => this.#sessionClosed(session));
    connection.on('connection_close', () => this.gone());
    connection.on('disconnected', () => this.gone());
  }

  gone(): void {
    for (const link of this.#gone.keys()) this.#closed(link);
  }

  /** The client sends: to an entity, or requests. */
  #onReceiver(receiver: Receiver): void {
    const address = remoteTarget(receiver)?.address ?? '';
    receiver.set_target({ address });
    receiver.set_source({ address: remoteSource(receiver)?.address ?? '' });
    if (address === CBS) {
      return serveRequests(receiver, (request) => this.#claims.putToken(request, this.#replies));
    }
    if (!this.#claims.allow(address)) return this.#unauthorized(receiver, address);
    if (isManagement(address)) {
      const target = this.#target(address.slice(0, -MANAGEMENT.length));
      if (!target) return refuse(receiver, this.#notFound(address));
      return serveRequests(receiver, (request) => answerManagement(target, request, this.#replies));
    }
    const destination = this.#namespace.destination(address);
    if (!destination) return refuse(receiver, this.#notFound(address));
    serveSender(receiver, destination, this.#core.maxMessageBytes);
  }

  /** The client receives: from an entity, a session, or replies. */
  #onSender(sender: Sender): void {
    const source = remoteSource(sender);
    const address = source?.address ?? '';
    if (address === CBS || isManagement(address)) {
      if (address !== CBS && !this.#claims.allow(address)) return this.#unauthorized(sender, address);
      const replyTo = remoteTarget(sender)?.address ?? undefined;
      sender.set_source({ address });
      sender.set_target({ address: replyTo ?? '' });
      return this.#replies.add(sender, replyTo);
    }
    if (!this.#claims.allow(address)) return this.#unauthorized(sender, address);
    const queue = this.#namespace.source(address);
    if (!queue) return refuse(sender, this.#notFound(address));
    const filter = source?.filter;
    const wanted = filter && SESSION_FILTER in filter ? sessionName(filter[SESSION_FILTER]) : undefined;
    if (queue.sessions) {
      if (wanted === undefined) return refuse(sender, sessionRequired());
      this.#gone.set(sender, attachSession(this.#core, sender, queue, queue.sessions, wanted, refuse));
    } else if (wanted !== undefined) {
      refuse(sender, noSessions());
    } else {
      const link = new ReceiverLink(sender, queue);
      link.feed = () => queue.plain?.feed(link);
      this.#gone.set(sender, () => link.closed());
    }
  }

  #target(path: string): Target | undefined {
    const queue = this.#namespace.source(path);
    const destination = this.#namespace.destination(path);
    const entity = queue ?? destination;
    return entity && { core: this.#core, path: entity.path, id: entity.id, queue, destination };
  }

  #unauthorized(link: Sender | Receiver, address: string): void {
    refuse(
      link,
      serviceErrors.unauthorized(`Unauthorized access. A valid claim for '${address}' is required.`),
    );
  }

  #notFound(address: string): ServiceError {
    return serviceErrors.entityNotFound(`sb://localhost/${address}`);
  }

  #guard<Link extends Sender | Receiver>(link: Link | undefined, work: (link: Link) => void): void {
    if (!link) return;
    try {
      work(link);
    } catch (error) {
      refuse(link, serviceErrors.internal(String(error)));
    }
  }

  #closed(link: Sender | Receiver | undefined): void {
    if (!link) return;
    const goodbye = this.#gone.get(link);
    this.#gone.delete(link);
    goodbye?.();
  }

  #sessionClosed(session: Session | undefined): void {
    for (const link of this.#gone.keys()) if (link.session === session) this.#closed(link);
  }
}

/** An attach that leads nowhere is answered with a null terminus, then detached with the reason. */
function refuse(link: Sender | Receiver, error: ServiceError): void {
  const attach = localAttach(link);
  attach.source = undefined;
  attach.target = undefined;
  link.close({ condition: error.condition, description: error.message });
}

function isManagement(address: string): boolean {
  return address.toLowerCase().endsWith(MANAGEMENT);
}

function sessionName(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function sessionRequired(): ServiceError {
  return serviceErrors.notAllowed(
    'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.',
  );
}

function noSessions(): ServiceError {
  return serviceErrors.notAllowed(
    'A sessionful message receiver cannot be created on an entity that does not require sessions.',
  );
}
