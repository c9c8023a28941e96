// Stands between a host and its bridge. It tells every step of the commit protocol to the recorder, holds it while the
// process is frozen, and drops it once the process is dead.
import { parseAddress } from '../contract/address.ts';
import { actorQueue } from '../contract/entities.ts';
import type { Json } from '../contract/json.ts';
import type { CancellationStore, Payloads, ResultStore, TaskClaimStore } from '../contract/payload.ts';
import type {
  Bridge,
  Disposition,
  HeldSession,
  SessionPumpOptions,
  Taken,
  TaskPumpOptions,
} from '../contract/ports.ts';
import { type InboundMessage, PROPERTY, type WireMessage } from '../contract/wire.ts';
import type { Stores } from '../storage/stores.ts';
import { type Effects, steadyName } from './effects.ts';
import type { Life } from './life.ts';
import { type Act, deadLettersOf } from './places.ts';
import type { ProcessBox } from './process-mail.ts';

interface Watched {
  readonly effects: Effects;
  readonly mail: ProcessBox;
}

export function watchBridge(bridge: Bridge, life: Life, { effects, mail }: Watched): Bridge {
  const pumpTasks = (options: TaskPumpOptions, entity: string, isTask: boolean): TaskPumpOptions => ({
    ...options,
    onMessage: async (message, lost, passed) => {
      if (!(await life.awake())) return life.death;
      if (isTask) effects.asked(message);
      const disposition = await Promise.race([options.onMessage(message, lost, passed), life.death]);
      const lock = { entity, messageId: message.messageId };
      const act: Act = { step: 'before-complete', where: entity, lock, messages: [idOf(entity, message)] };
      return (await life.pass(act)) ? disposition : life.death;
    },
  });
  const pumpSessions = (options: SessionPumpOptions): SessionPumpOptions => ({
    ...options,
    onSession: async (session: HeldSession) => {
      // A frozen process accepts nothing.
      if (life.dead || life.frozen) return;
      await options.onSession(new WatchedSession(session, life));
    },
  });
  const publish: Bridge['publish'] = async (messages, options) => {
    if (messages.length === 0) return [];
    const place = placeOf(messages);
    const pass = async (step: Act['step']): Promise<void> => {
      if (!(await life.pass({ ...place, step }))) await life.death;
    };
    const send = async (some: readonly WireMessage[]): ReturnType<Bridge['publish']> => {
      const published = await Promise.race([bridge.publish(some, options), life.death]);
      effects.sent(some);
      mail.sent(some);
      return published;
    };
    await pass('before-outbox');
    // In two parts, so that there is a middle.
    const half = Math.floor(messages.length / 2);
    const first = half === 0 ? [] : await send(messages.slice(0, half));
    if (half > 0) await pass('mid-outbox');
    const second = await send(messages.slice(half));
    await pass('after-outbox');
    return [...first, ...second];
  };
  return {
    ensureTopology: async () => {},
    publish,
    cancelScheduled: async (entity, numbers) =>
      (await life.awake()) ? bridge.cancelScheduled(entity, numbers) : life.death,
    pumpSessions: (options) => bridge.pumpSessions(pumpSessions(options)),
    pumpTasks: (options) =>
      bridge.pumpTasks(pumpTasks(options, options.entity, /^(agent|logic)\./.test(options.entity))),
    pumpDeadLetters: (options) =>
      bridge.pumpDeadLetters(pumpTasks(options, deadLettersOf(options.entity), false)),
    pumpNamedSession: (options) => {
      mail.reads(options.sessionId);
      const onMessage = (message: InboundMessage): void => {
        options.onMessage(message);
        mail.came(message);
      };
      return bridge.pumpNamedSession({ ...options, onMessage });
    },
    deferredStore: (entity) => bridge.deferredStore(entity),
    listSessions: (entity, page) => bridge.listSessions(entity, page),
    get connections() {
      return bridge.connections;
    },
    close: () => bridge.close(),
  };
}

export function watchStores(
  { payloads, results, cancellations, taskClaims, streams }: Stores,
  life: Life,
): Stores {
  return {
    payloads: watchPayloads(payloads, life),
    results: watchResults(results, life),
    cancellations: watchCancellations(cancellations, life),
    taskClaims: watchTaskClaims(taskClaims, life),
    // No step of a commit: what is streamed may be lost, and is nobody's state.
    streams,
  };
}

/** A dead process stores and removes nothing. */
function watchPayloads(payloads: Payloads, life: Life): Payloads {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => ((await life.awake()) ? work() : life.death);
  return {
    scope: payloads.scope,
    put: (folder, name, value) => alive(() => payloads.put(folder, name, value)),
    get: (ref) => alive(() => payloads.get(ref)),
    remove: (ref) => alive(() => payloads.remove(ref)),
    removeFolder: (folder) => alive(() => payloads.removeFolder(folder)),
    seal: () => alive(() => payloads.seal()),
  };
}

function watchResults(results: ResultStore, life: Life): ResultStore {
  return {
    get: async (folder, key) => ((await life.awake()) ? results.get(folder, key) : life.death),
    list: async (folder) => ((await life.awake()) ? results.list(folder) : life.death),
    put: async (folder, key, value) => {
      if (!(await life.pass({ step: 'before-result', where: 'a task' }))) return life.death;
      await results.put(folder, key, value);
      if (!(await life.pass({ step: 'after-result', where: 'a task' }))) return life.death;
    },
  };
}

function watchCancellations(cancellations: CancellationStore, life: Life): CancellationStore {
  return {
    find: async (marks) => ((await life.awake()) ? cancellations.find(marks) : life.death),
    put: async (...put) => {
      if (!(await life.pass({ step: 'before-cancel', where: 'an actor' }))) return life.death;
      await cancellations.put(...put);
      if (!(await life.pass({ step: 'after-cancel', where: 'an actor' }))) return life.death;
    },
  };
}

/** A dead process takes nothing. What it took is free once its end is told: no time passes here in which that could be seen. */
function watchTaskClaims(claims: TaskClaimStore, life: Life): TaskClaimStore {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => ((await life.awake()) ? work() : life.death);
  return {
    ownerOf: (...given) => alive(() => claims.ownerOf(...given)),
    take: (...given) => alive(() => claims.take(...given)),
    takeOver: (...given) => alive(() => claims.takeOver(...given)),
    drop: (...given) => alive(() => claims.drop(...given)),
    processesOf: (...given) => alive(() => claims.processesOf(...given)),
    setAlive: (process, until) =>
      alive(() => {
        life.atEnd = () => claims.setAlive(process, 0);
        return claims.setAlive(process, until);
      }),
    forget: (...given) => alive(() => claims.forget(...given)),
    aliveUntil: (...given) => alive(() => claims.aliveUntil(...given)),
  };
}

function idOf(
  entity: string,
  { messageId: id, sessionId }: InboundMessage | WireMessage,
): NonNullable<Act['messages']>[number] {
  return { entity, id, ...(sessionId === undefined ? {} : { session: sessionId }) };
}

/** Effects say whose they are; answers only where they go. */
function placeOf(messages: readonly WireMessage[]): Omit<Act, 'step'> {
  const ids = messages.map((message) => idOf(message.entity, message));
  const [first] = messages;
  const from = first?.properties?.[PROPERTY.from];
  const address = typeof from === 'string' ? parseAddress(from) : undefined;
  if (address !== undefined) {
    const { type, id } = address;
    return {
      where: steadyName(`${type}/${id}`),
      lock: { entity: actorQueue(type), session: id },
      messages: ids,
    };
  }
  const isClient = first?.sessionId?.startsWith('client-') === true;
  const to = isClient ? 'a client' : steadyName(`${first?.entity}/${first?.sessionId ?? ''}`);
  return { where: `${first?.subject} to ${to}`, messages: ids };
}

// A held session as a simulated process has it.

export class WatchedSession implements HeldSession {
  readonly entity: string;
  readonly sessionId: string;
  readonly #session: HeldSession;
  readonly #life: Life;
  /** Settlements leave in the order in which they were asked for (I5), also while one of them is struck. */
  #order: Promise<unknown> = Promise.resolve();
  /** What was given back in the middle of a window comes again behind the rest. */
  readonly #abandoned: InboundMessage[] = [];
  /** The session knows its messages by identity. */
  readonly #originals = new Map<InboundMessage, InboundMessage>();

  constructor(session: HeldSession, life: Life) {
    this.entity = session.entity;
    this.sessionId = session.sessionId;
    this.#session = session;
    this.#life = life;
  }

  async readState(): ReturnType<HeldSession['readState']> {
    return (await this.#life.awake()) ? this.#session.readState() : { kind: 'lost' };
  }

  async take(options: { readonly max: number; readonly idleMs: number }): Promise<Taken> {
    if (this.#abandoned.length > 0) return { kind: 'messages', messages: this.#abandoned.splice(0) };
    const taken = await this.#session.take(options);
    if (!(await this.#life.awake())) return { kind: 'lost' };
    if (taken.kind !== 'messages' || taken.messages.length < 2) return taken;
    let messages = taken.messages;
    const abandon = (): void => {
      const [first, ...rest] = messages as readonly [InboundMessage, ...InboundMessage[]];
      messages = rest;
      const again = { ...first, deliveryCount: first.deliveryCount + 1 };
      this.#originals.set(again, first);
      this.#abandoned.push(again);
    };
    return (await this.#life.pass({ ...this.#act('window'), abandon }))
      ? { kind: 'messages', messages }
      : { kind: 'lost' };
  }

  async commit(state: Json): Promise<'committed' | 'lost'> {
    if (!(await this.#life.pass(this.#act('before-write')))) return 'lost';
    if ((await this.#session.commit(state)) === 'lost') return 'lost';
    return (await this.#life.pass(this.#act('after-write'))) ? 'committed' : 'lost';
  }

  async settle(message: InboundMessage, disposition: Disposition): Promise<'settled' | 'lost'> {
    const id = { entity: this.entity, session: this.sessionId, id: message.messageId };
    const act = { ...this.#act('before-complete'), messages: isKnownAgain(message) ? [id] : [] };
    const passed = this.#order.then(() => this.#life.pass(act));
    // Begun in order, not waited for.
    const settled = passed.then((alive) =>
      alive ? { end: this.#session.settle(this.#originals.get(message) ?? message, disposition) } : undefined,
    );
    this.#order = settled.catch(() => {});
    return (await (await settled)?.end) ?? 'lost';
  }

  async receiveDeferred(sequenceNumbers: readonly number[]): Promise<readonly InboundMessage[]> {
    return (await this.#life.awake()) ? this.#session.receiveDeferred(sequenceNumbers) : [];
  }

  async peekScheduled(): Promise<readonly InboundMessage[]> {
    return (await this.#life.awake()) ? this.#session.peekScheduled() : [];
  }

  #act(step: Act['step']): Act {
    const { entity, sessionId: session } = this;
    return {
      step,
      where: steadyName(`${entity.replace(/^actor\./, '')}/${session}`),
      lock: { entity, session },
    };
  }
}

/**
 * A caller's event without a key cannot be told from another one, and Service Bus promises not to deliver a completed
 * message again.
 */
function isKnownAgain({ subject, properties }: InboundMessage): boolean {
  return subject !== 'event' || PROPERTY.from in properties || PROPERTY.key in properties;
}
