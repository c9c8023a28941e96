// Stands between a host and its bridge: every step of the commit protocol is told to the recorder, waits while the process
// is frozen, and comes to nothing once it is dead.

import { parseAddress } from '../contract/address.ts';
import { actorQueue } from '../contract/entities.ts';
import type { Payloads, ResultStore } from '../contract/payload.ts';
import type { Bridge, HeldSession, SessionPumpOptions, TaskPumpOptions } from '../contract/ports.ts';
import type { InboundMessage, WireMessage } from '../contract/wire.ts';
import { PROPERTY } from '../contract/wire.ts';
import type { Stores } from '../storage/stores.ts';
import type { Effects } from './effects.ts';
import type { Life } from './life.ts';
import { type Act, deadLettersOf } from './places.ts';
import { steadyName } from './steady.ts';
import { WatchedSession } from './watched-session.ts';

export function watchBridge(bridge: Bridge, life: Life, effects: Effects): Bridge {
  const pumpTasks = (options: TaskPumpOptions, entity: string, isTask: boolean): TaskPumpOptions => ({
    ...options,
    onMessage: async (message, lost) => {
      if (!(await life.awake())) return life.death;
      if (isTask) effects.asked(message);
      const disposition = await Promise.race([options.onMessage(message, lost), life.death]);
      const lock = { entity, messageId: message.messageId };
      const act: Act = { step: 'before-complete', where: entity, lock, messages: [idOf(entity, message)] };
      return (await life.pass(act)) ? disposition : life.death;
    },
  });
  const pumpSessions = (options: SessionPumpOptions): SessionPumpOptions => ({
    ...options,
    onSession: async (session: HeldSession) => {
      // A process that stands still takes nothing on.
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
    pumpNamedSession: (options) => bridge.pumpNamedSession(options),
    deferredStore: (entity) => bridge.deferredStore(entity),
    listSessions: (entity, page) => bridge.listSessions(entity, page),
    get connections() {
      return bridge.connections;
    },
    close: () => bridge.close(),
  };
}

export function watchStores({ payloads, results }: Stores, life: Life): Stores {
  return { payloads: watchPayloads(payloads, life), results: watchResults(results, life) };
}

/** The dead put nothing away and remove nothing. */
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
