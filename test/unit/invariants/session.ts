// A held session over a receiver of the SDK that only records what it is asked, on a clock that stands until it is moved.
import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from '@azure/service-bus';
import { ConnectionWatch } from '../../../src/bridge/connection/sockets.ts';
import { LiveSession } from '../../../src/bridge/session/held-session.ts';

export const LOCK_MS = 30_000;
export const HOLD_QUANTUM_MS = 1_000;

export interface TestSession {
  readonly session: LiveSession;
  readonly writes: unknown[];
  readonly pass: (ms: number) => void;
  readonly deliver: (sequenceNumber: number) => void;
}

export async function openSession(othersWait = (): boolean => false): Promise<TestSession> {
  let now = 1_000_000;
  const writes: unknown[] = [];
  let give: ((message: ServiceBusReceivedMessage) => void) | undefined;
  const receiver = {
    sessionId: 's',
    sessionLockedUntilUtc: new Date(now + LOCK_MS),
    subscribe: ({ processMessage }: { processMessage: (message: ServiceBusReceivedMessage) => void }) => {
      give = processMessage;
      return { close: async () => {} };
    },
    setSessionState: async (state: unknown) => void writes.push(state),
    // Never answered: the broker is not reached any more.
    renewSessionLock: () => new Promise<Date>(() => {}),
    close: async () => {},
  } as unknown as ServiceBusSessionReceiver;
  const session = await LiveSession.open(receiver, {
    entity: 'actor.m',
    lockDurationMs: LOCK_MS,
    window: 8,
    othersWait,
    holdQuantumMs: HOLD_QUANTUM_MS,
    time: { instant: () => ({ monotonicMs: now, wallMs: now }) },
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    watch: new ConnectionWatch(1),
    counts: { accepted: 0, renewed: 0, lost: 0 },
    clock: { now: () => 0, granted: () => {}, reached: () => {} },
  });
  session.begin();
  return {
    session,
    writes,
    pass: (ms) => {
      now += ms;
    },
    deliver: (sequenceNumber) =>
      give?.({ messageId: 'm', sequenceNumber: { toNumber: () => sequenceNumber } } as never),
  };
}
