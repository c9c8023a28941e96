// One client connection: decides what each link that it attaches is, and cleans up after it.
import type { Authority } from '../access/authority.ts';
import { pathIn } from '../access/grant.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { isWithin } from '../core/plan.ts';
import type { Queue } from '../core/queue.ts';
import type { QueueEntity } from '../core/queue-entity.ts';
import type { Topic } from '../core/topic.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import { Claims, TokenExpiry } from './cbs.ts';
import type { ConnectedClient } from './connected-client.ts';
import { type IdleTimes, IdleWatch } from './idle.ts';
import { answerManagement } from './management/answer.ts';
import type { Target } from './management/operation.ts';
import { ReceiverLink } from './receiver-link.ts';
import {
  errorOf,
  lacksClaim,
  noSessions,
  receivingRefused,
  refuse,
  rightFor,
  sessionRequired,
} from './refusals.ts';
import { ReplyLinks } from './replies.ts';
import { type Request, serveRequests } from './requests.ts';
import {
  type Connection,
  isFull,
  leadsToCoordinator,
  localAttach,
  type Receiver,
  remoteSource,
  remoteTarget,
  type Sender,
  type Session,
  types,
} from './rhea.ts';
import { keyHolderOf } from './sasl.ts';
import { serveSender } from './sender-link.ts';
import { askedSession, attachSession } from './session-attach.ts';
import { serveCoordinator } from './transactional-state.ts';

const CBS = '$cbs';
const NOT_FOUND = 'amqp:not-found';
/** The distribution mode of a JMS queue browser; taken as a receiver, it would lock what it looks at. */
const COPY = 'copy';
const MANAGEMENT = '/$management';
/** Links to entities on one connection; the service has 4,999. */
const MAX_LINKS = 5000;
/** On one queue, or on all subscriptions of a topic (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas). */
const MAX_RECEIVERS = 5000;
const MIN_REQUEST_BYTES = 1024 * 1024;
/** How long a link stays before it ends: after the last message that was refused over it, and in all. */
const ANSWERING_MS = 500;
const MOST_ANSWERING_MS = 5_000;

interface Ending {
  readonly error: ServiceError;
  /** A message was refused since the last look. */
  asked: boolean;
}

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
  /** Links of senders that are about to be closed, and why. */
  readonly #ending = new WeakMap<Receiver, Ending>();
  readonly #expiry: TokenExpiry;
  readonly #idle: IdleWatch;
  readonly client: ConnectedClient;

  constructor(
    core: Core,
    namespace: Namespace,
    authority: Authority,
    connection: Connection,
    client: ConnectedClient,
    idleTimes: IdleTimes,
  ) {
    this.client = client;
    this.#core = core;
    this.#namespace = namespace;
    this.#claims = new Claims(
      authority,
      // Rules of authorization are the topic's: whether it has the subscription is told by the link.
      (path) => (this.#entityOf(path) ?? this.#namespace.topicOf(path)) !== undefined,
      () => keyHolderOf(connection),
    );
    this.#expiry = new TokenExpiry(this.#claims, () =>
      this.#endUnauthorized('ExpiredToken: The token is expired.'),
    );
    this.#idle = new IdleWatch(core, idleTimes, connection, this.#links);
    connection.on('receiver_open', ({ receiver }) => this.#guard(receiver, (link) => this.#onReceiver(link)));
    connection.on('sender_open', ({ sender }) => this.#guard(sender, (link) => this.#onSender(link)));
    connection.on('receiver_close', ({ receiver }) => this.#closed(receiver));
    connection.on('sender_close', ({ sender }) => this.#closed(sender));
    connection.on('session_close', ({ session }) => this.#sessionClosed(session));
    connection.on('connection_close', () => this.gone());
    connection.on('disconnected', () => this.gone());
  }

  /** An entity has been removed: its links end, and clients that ask for it again are told that it is not there. */
  removed(path: string): void {
    for (const [link, address] of this.#links) {
      if (!isWithin(address, path.toLowerCase())) continue;
      this.#end(link, this.#notFound(path));
    }
  }

  /** An entity gives no more: its receivers end. */
  disabled(path: string): void {
    for (const [link, address] of this.#links) {
      if (link.is_sender() && isWithin(address, path.toLowerCase()))
        this.#end(link, serviceErrors.entityDisabled(path));
    }
  }

  /** A valid token has been put on it. */
  get authorized(): boolean {
    return this.#claims.proved;
  }

  keysChanged(): void {
    this.#claims.review();
    this.#endUnauthorized('InvalidSignature: The token has an invalid signature.');
  }

  #endUnauthorized(why: string): void {
    for (const [link, address] of this.#links) {
      const right = isManagement(address) ? undefined : link.is_receiver() ? 'Send' : 'Listen';
      if (!this.#claims.allow(address, right)) this.#end(link, serviceErrors.unauthorized(why));
    }
  }

  /** Answers what is on its way from the client before the link ends: not every client gives it up by itself. */
  #end(link: Sender | Receiver, error: ServiceError): void {
    this.#closed(link);
    if (link.is_sender()) return link.close(errorOf(error));
    const ending: Ending = { error, asked: false };
    this.#ending.set(link as Receiver, ending);
    this.#endOnceSilent(link as Receiver, ending, MOST_ANSWERING_MS);
  }

  #endOnceSilent(link: Receiver, ending: Ending, leftMs: number): void {
    const look = (): void => {
      if (this.#ending.get(link) !== ending || !link.is_open()) return;
      if (!ending.asked || leftMs <= ANSWERING_MS) {
        link.close(errorOf(ending.error));
        return;
      }
      ending.asked = false;
      this.#endOnceSilent(link, ending, leftMs - ANSWERING_MS);
    };
    // After a busy moment: what has arrived meanwhile is read first.
    setTimeout(() => setImmediate(look), ANSWERING_MS).unref();
  }

  /** Why nothing is taken over the link any more; one whose entity has been deleted and made again lives on. */
  #refusal(link: Receiver, address: string): ServiceError | undefined {
    const ending = this.#ending.get(link);
    if (ending === undefined) return undefined;
    ending.asked = true;
    if (ending.error.condition !== NOT_FOUND || !this.#entityOf(address)) return ending.error;
    this.#ending.delete(link);
    this.#linked(link, address);
    return undefined;
  }

  /** Has a link to it or below it. */
  uses(path: string): boolean {
    return [...this.#links.values()].some((address) => isWithin(address, path.toLowerCase()));
  }

  /** Has a receiver on it. */
  receivesFrom(path: string): boolean {
    for (const [link, address] of this.#links)
      if (link.is_sender() && address === path.toLowerCase()) return true;
    return false;
  }

  /** It has been answered or handed something that has not left yet. */
  get unwritten(): boolean {
    return this.client.unwritten || (this.client.live && this.#replies.waiting);
  }

  gone(): void {
    this.#idle.stop();
    this.#expiry.stop();
    for (const link of [...this.#links.keys(), ...this.#gone.keys()]) this.#closed(link);
  }

  /** Several messages may be scheduled at once. */
  get #maxRequestBytes(): number {
    const { batchBytes, messageBytes } = this.#core.limits;
    return Math.max(MIN_REQUEST_BYTES, batchBytes, messageBytes);
  }

  /** The client sends: to an entity, or requests. */
  #onReceiver(receiver: Receiver): void {
    const named = remoteTarget(receiver)?.address ?? '';
    receiver.set_target({ address: named });
    const address = pathIn(named);
    receiver.set_source({ address: remoteSource(receiver)?.address ?? '' });
    if (leadsToCoordinator(receiver)) return this.#onCoordinator(receiver);
    if (address === CBS) {
      return serveRequests(receiver, this.#maxRequestBytes, (request) => {
        this.#claims.putToken(request, this.#replies);
        this.#expiry.await();
      });
    }
    const management = isManagement(address);
    if (!this.#claims.allow(address, management ? undefined : 'Send')) {
      return this.#unauthorized(receiver, address, 'Send');
    }
    this.#linked(receiver, address);
    if (management) {
      if (!this.#entityOf(address)) return refuse(receiver, this.#notFound(address));
      return serveRequests(receiver, this.#maxRequestBytes, (request) => this.#manage(address, request));
    }
    let destination = this.#namespace.destination(address);
    if (!destination) return refuse(receiver, this.#notFound(address));
    if (destination.intake.settings.disabled) return refuse(receiver, serviceErrors.entityDisabled(address));
    serveSender(receiver, destination, this.#core, this.client, () => {
      if (!this.#ending.has(receiver) && destination) return destination;
      const refusal = this.#refusal(receiver, address);
      destination = this.#namespace.destination(address);
      return refusal ?? destination ?? this.#notFound(address);
    });
  }

  /** Needs no token, which clients do not have yet: what is done in a transaction goes over links that need one. */
  #onCoordinator(receiver: Receiver): void {
    const { transactions } = this.client;
    this.#gone.set(receiver, () => transactions.end(receiver));
    serveCoordinator(receiver, transactions);
  }

  /** The client receives: from an entity, a session, or replies. */
  #onSender(sender: Sender): void {
    const source = remoteSource(sender);
    const named = source?.address ?? '';
    const address = pathIn(named);
    if (address === CBS || isManagement(address)) {
      if (address !== CBS && !this.#claims.allow(address)) {
        return this.#unauthorized(sender, address, 'Listen');
      }
      const replyTo = remoteTarget(sender)?.address ?? undefined;
      sender.set_source({ address: named });
      sender.set_target({ address: replyTo ?? '' });
      return this.#replies.add(sender, replyTo);
    }
    if (!this.#claims.allow(address, 'Listen')) return this.#unauthorized(sender, address, 'Listen');
    this.#linked(sender, address);
    const queue = this.#namespace.source(address);
    if (!queue) return refuse(sender, this.#notFound(address));
    const refusal = receivingRefused(queue);
    if (refusal) return refuse(sender, refusal);
    if (source?.distribution_mode === COPY) return refuse(sender, serviceErrors.notImplemented(COPY));
    const home = this.#namespace.home(queue.path);
    if (home && home.receivers >= MAX_RECEIVERS)
      return refuse(sender, serviceErrors.tooManyReceivers(home.path));
    const wanted = askedSession(source?.filter);
    if (wanted instanceof ServiceError) return refuse(sender, wanted);
    if (queue.sessions) {
      if (wanted === undefined) return refuse(sender, sessionRequired());
      this.#receives(
        sender,
        home,
        attachSession(this.#core, this.client, sender, queue, queue.sessions, wanted, refuse),
      );
    } else if (wanted !== undefined) {
      refuse(sender, noSessions());
    } else {
      const link = new ReceiverLink(sender, queue, this.client);
      link.feed = () => queue.plain?.feed(link);
      this.#receives(sender, home, () => link.closed());
    }
  }

  #receives(sender: Sender, home: QueueEntity | Topic | undefined, goodbye: () => void): void {
    if (home) home.receivers += 1;
    this.#gone.set(sender, () => {
      if (home) home.receivers -= 1;
      goodbye();
    });
  }

  #manage(address: string, request: Request): void {
    const linkName = request.properties['associated-link-name'];
    if (typeof linkName === 'string') this.#idle.used(linkName);
    const right = rightFor(request.properties['operation']);
    const allowed = this.#claims.allow(address, right);
    const ending = this.#refusal(request.link, address);
    const target = this.#target(address.slice(0, -MANAGEMENT.length));
    if (target && allowed && !ending) return answerManagement(target, request, this.#replies);
    const refusal = ending ?? (allowed ? this.#notFound(address) : lacksClaim(right, address));
    this.#replies.reply(request, {
      properties: {
        statusCode: types.wrap_int(refusal.status),
        statusDescription: refusal.message,
        errorCondition: types.wrap_symbol(refusal.condition),
      },
    });
  }

  #target(path: string): Target | undefined {
    const queue = this.#namespace.source(path);
    const destination = this.#namespace.destination(path);
    const entity = queue ?? destination;
    return (
      entity && {
        core: this.#core,
        client: this.client,
        path: entity.path,
        id: entity.id,
        queue,
        destination,
        home: this.#namespace.home(entity.path),
        rules: this.#namespace.rulesOf(entity.path),
      }
    );
  }

  #entityOf(path: string): Queue | QueueEntity | Topic | undefined {
    const entity = isManagement(path) ? path.slice(0, -MANAGEMENT.length) : path;
    return this.#namespace.source(entity) ?? this.#namespace.destination(entity);
  }

  #unauthorized(link: Sender | Receiver, address: string, right: AccessRight): void {
    refuse(link, lacksClaim(right, address));
  }

  #notFound(address: string): ServiceError {
    return serviceErrors.entityNotFound(`sb://${this.client.host}/${address}`);
  }

  #guard<Link extends Sender | Receiver>(link: Link | undefined, work: (link: Link) => void): void {
    if (!link) return;
    if (this.#links.size >= MAX_LINKS || isFull(link.connection)) {
      return refuse(link, serviceErrors.tooManyLinks());
    }
    agreeOnSettling(link);
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
    if (session) this.#replies.ended(session);
    for (const link of [...this.#links.keys(), ...this.#gone.keys()])
      if (link.session === session) this.#closed(link);
  }
}

/** Settling goes as the client asks: go-amqp ends a link whose answer says otherwise (`setSettleModes` in its link.go). */
function agreeOnSettling(link: Sender | Receiver): void {
  const attach = localAttach(link);
  attach.snd_settle_mode = link.snd_settle_mode;
  attach.rcv_settle_mode = link.rcv_settle_mode;
}

function isManagement(address: string): boolean {
  return address.toLowerCase().endsWith(MANAGEMENT);
}
