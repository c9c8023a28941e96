// The process that pumps sessions: the bridge as the runtime uses it, without actors.
import { performance } from 'node:perf_hooks';
import { createBridge } from '../../src/bridge/bridge.ts';
import type { HeldSession, Pump } from '../../src/contract/ports.ts';
import type { WireMessage } from '../../src/contract/wire.ts';
import { serveJobs } from '../runtime/jobs.ts';
import { DUPLICATE_WINDOW_MS, LOCK_MS, QUEUE } from './entities.ts';
import type { PumpJobs } from './pump.ts';

/** The runtime's defaults. */
const SESSIONS = 64;
const WINDOW = 64;
const HOLD_QUANTUM_MS = 100;
const IDLE_MS = 400;
const PUBLISHED_AT_ONCE = 2_000;
const COLLECTIONS = 3;

const [, , connectionString = ''] = process.argv;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bridge = await createBridge({
  connection: { kind: 'connectionString', connectionString },
  prefix: '',
  topology: 'check',
  lockDurationMs: LOCK_MS,
  duplicateWindowMs: DUPLICATE_WINDOW_MS,
  logger: silent,
  embedded: true,
});
const collect = (globalThis as { gc?: () => void }).gc;

let holding: Pump | undefined;
/** Sessions held at this moment that have committed. */
const held = new Set<string>();
let allHeld: { readonly count: number; readonly resolve: () => void } | undefined;

const jobs: PumpJobs = {
  ready: async () => null,
  async cycles(from, count) {
    await publishOneEach('c', from, count);
    const started = performance.now();
    let done = 0;
    const all = Promise.withResolvers<void>();
    const pump = pumpSessions(SESSIONS, async (session) => {
      if (!(await once(session))) return;
      done += 1;
      if (done === count) all.resolve();
    });
    await all.promise;
    const seconds = (performance.now() - started) / 1000;
    await pump.stop();
    return seconds;
  },
  async hold(count) {
    await publishOneEach('h', 0, count);
    const started = performance.now();
    const all = untilHeld(count);
    holding = pumpSessions(count, async (session) => {
      await session.readState();
      // The message stays: it is what the session is accepted for again.
      if ((await session.take({ max: WINDOW, idleMs: LOCK_MS })).kind !== 'messages') return;
      if ((await session.commit({ held: true })) === 'lost') return;
      held.add(session.sessionId);
      if (held.size === allHeld?.count) allHeld.resolve();
      await session.take({ max: WINDOW, idleMs: Number.POSITIVE_INFINITY });
      held.delete(session.sessionId);
    });
    await all;
    return (performance.now() - started) / 1000;
  },
  async letGo() {
    const started = performance.now();
    await holding?.stop();
    return (performance.now() - started) / 1000;
  },
  async heldAgain() {
    await untilHeld(allHeld?.count ?? 0);
    return performance.timeOrigin + performance.now();
  },
  async memory() {
    for (let pass = 0; pass < COLLECTIONS; pass++) collect?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heap: heapUsed + external };
  },
};

function pumpSessions(maxSessions: number, onSession: (session: HeldSession) => Promise<void>): Pump {
  return bridge.pumpSessions({
    entity: QUEUE,
    maxSessions,
    window: WINDOW,
    holdQuantumMs: HOLD_QUANTUM_MS,
    onSession,
  });
}

function untilHeld(count: number): Promise<void> {
  return new Promise((resolve) => {
    allHeld = { count, resolve };
    if (held.size === count) resolve();
  });
}

/** What a host does with a session that has one message. */
async function once(session: HeldSession): Promise<boolean> {
  await session.readState();
  const taken = await session.take({ max: WINDOW, idleMs: IDLE_MS });
  if (taken.kind !== 'messages' || (await session.commit({ done: true })) === 'lost') return false;
  const settled = await Promise.all(taken.messages.map((one) => session.settle(one, { kind: 'complete' })));
  return !settled.includes('lost');
}

async function publishOneEach(prefix: string, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += PUBLISHED_AT_ONCE) {
    const size = Math.min(PUBLISHED_AT_ONCE, from + count - at);
    await bridge.publish(Array.from({ length: size }, (_, index) => toSession(`${prefix}${at + index}`)));
  }
}

function toSession(sessionId: string): WireMessage {
  const event = { type: 'go' };
  return {
    entity: QUEUE,
    messageId: sessionId,
    subject: 'event',
    sessionId,
    body: { kind: 'event', event },
  };
}

serveJobs(jobs);
