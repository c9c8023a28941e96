import type { Authority } from '../access/authority.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { isWithin } from '../core/plan.ts';
import type { Queue } from '../core/queue.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import { Claims } from './cbs.ts';
import { type IdleTimes, IdleWatch } from './idle.ts';
import { answerManagement } from './management/answer.ts';
import type { Target } from './management/operation.ts';
import { ReceiverLink } from './receiver-link.ts';
import { ReplyLinks, type Request, serveRequests } from './requests.ts';
import {
  type Connection,
  localAttach,
  type Receiver,
  remoteSource,
  remoteTarget,
  type Sender,
  type Session,
  types,
} from './rhea.ts';
import { rightFor } from './rights.ts';
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
  /** Every link of an entity, by the entity's path in lower case. */
  readonly #links = new Map<Sender | Receiver, string>();
  /** What to do when a link goes away, however it does. */
  readonly #gone = new Map<Sender | Receiver, () => void>();
  readonly #idle: IdleWatch;

  constructor(
    core: Core,
    namespace: Namespace,
    authority: Authority,
    connection: Connection,
    idleTimes: IdleTimes,
  ) {
    this.#core = core;
    this.#namespace = namespace;
    this.#claims = new Claims(authority);
    this.#idle = new IdleWatch(core, idleTimes, connection, this.#links);
    connection.on('receiver_open', ({ receiver }) => this.#guard(receiver, (link) => this.#onReceiver(link)));
    connection.on('sender_open', ({ sender }) => this.#guard(sender, (link) => this.#onSender(link)));
    connection.on('receiver_close', ({ receiver }) => this.#closed(receiver));
    connection.on('sender_close', ({ sender }) => this.#closed(sender));
    connection.on('session_close', ({ session }) => this.#sessionClosed(session));
    connection.on('connection_close', () => this.gone());
    connection.on('disconnected', () => this.gone());
  }

  /** An entity has been removed: its links end, and whoever asks for it again is told that it is not there. */
  removed(path: string): void {
    for (const [link, address] of this.#links) {
      if (!isWithin(address, path.toLowerCase())) continue;
      this.#closed(link);
      link.close(errorOf(this.#notFound(path)));
    }
  }

  /** An entity takes or gives no more: its senders or receivers end. */
  disabled(path: string, half: 'senders' | 'receivers'): void {
    for (const [link, address] of this.#links) {
      const sends = link.is_receiver();
      if (isManagement(address) || sends !== (half === 'senders') || !isWithin(address, path.toLowerCase()))
        continue;
      this.#closed(link);
      link.close(errorOf(serviceErrors.entityDisabled(path)));
    }
  }

  gone(): void {
    this.#idle.stop();
    for (const link of this.#links.keys()) this.#closed(link);
  }

  /** The client sends: to an entity, or requests. */
  #onReceiver(receiver: Receiver): void {
    const address = remoteTarget(receiver)?.address ?? '';
    receiver.set_target({ address });
    receiver.set_source({ address: remoteSource(receiver)?.address ?? '' });
    if (address === CBS) {
      return serveRequests(receiver, (request) => this.#claims.putToken(request, this.#replies));
    }
    const management = isManagement(address);
    if (!this.#claims.allow(address, management ? undefined : 'Send')) {
      return this.#unauthorized(receiver, address);
    }
    this.#linked(receiver, address);
    if (management) {
      const target = this.#target(address.slice(0, -MANAGEMENT.length));
      if (!target) return refuse(receiver, this.#notFound(address));
      return serveRequests(receiver, (request) => this.#manage(target, address, request));
    }
    const destination = this.#namespace.destination(address);
    if (!destination) return refuse(receiver, this.#notFound(address));
    if (destination.intake.settings.disabled) return refuse(receiver, serviceErrors.entityDisabled(address));
    serveSender(receiver, destination, this.#core.limits);
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
    if (!this.#claims.allow(address, 'Listen')) return this.#unauthorized(sender, address);
    this.#linked(sender, address);
    const queue = this.#namespace.source(address);
    if (!queue) return refuse(sender, this.#notFound(address));
    const refusal = receivingRefused(queue);
    if (refusal) return refuse(sender, refusal);
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

  #manage(target: Target, address: string, request: Request): void {
    const linkName = request.properties['associated-link-name'];
    if (typeof linkName === 'string') this.#idle.used(linkName);
    const right = rightFor(request.properties['operation']);
    if (this.#claims.allow(address, right)) return answerManagement(target, request, this.#replies);
    this.#replies.reply(request, {
      statusCode: types.wrap_int(401),
      statusDescription: `Unauthorized access. '${right}' claim(s) are required to perform this operation. Resource: '${address}'.`,
      errorCondition: types.wrap_symbol('amqp:unauthorized-access'),
    });
  }

  #target(path: string): Target | undefined {
    const queue = this.#namespace.source(path);
    const destination = this.#namespace.destination(path);
    const entity = queue ?? destination;
    return (
      entity && {
        core: this.#core,
        path: entity.path,
        id: entity.id,
        queue,
        destination,
        rules: this.#namespace.rulesOf(entity.path),
      }
    );
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

  #linked(link: Sender | Receiver, address: string): void {
    this.#links.set(link, address.toLowerCase());
    this.#namespace.idle.opened(address);
  }

  #closed(link: Sender | Receiver | undefined): void {
    if (!link) return;
    const address = this.#links.get(link);
    if (address !== undefined) this.#namespace.idle.closed(address);
    this.#links.delete(link);
    const goodbye = this.#gone.get(link);
    this.#gone.delete(link);
    goodbye?.();
  }

  #sessionClosed(session: Session | undefined): void {
    for (const link of this.#links.keys()) if (link.session === session) this.#closed(link);
  }
}

/** An attach that leads nowhere is answered with a null terminus, then detached with the reason. */
function refuse(link: Sender | Receiver, error: ServiceError): void {
  const attach = localAttach(link);
  attach.source = undefined;
  attach.target = undefined;
  link.close(errorOf(error));
}

function errorOf({ condition, message }: ServiceError): { condition: string; description: string } {
  return { condition, description: message };
}

function receivingRefused({ settings, path }: Queue): ServiceError | undefined {
  if (settings.disabled) return serviceErrors.entityDisabled(path);
  if (settings.forwardTo === undefined) return undefined;
  return serviceErrors.notAllowed(
    `Cannot create a message receiver on an entity with auto-forwarding enabled: '${path}'.`,
  );
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
