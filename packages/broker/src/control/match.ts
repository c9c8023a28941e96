/** Which operations a fault strikes, and how often. */
import type {
  DeliveryTrigger,
  Fault,
  FaultOperation,
  FaultPoint,
  FaultTrigger,
  LockTarget,
} from './fault.ts';

/** A connection, as tests see it. */
export interface Client {
  /** The container id of its open frame. */
  readonly container: string | undefined;
  /** Ends it as a broken network does. */
  cut(): void;
  /** Resolves when everything said so far has left. */
  flushed(): Promise<void>;
}

/** One operation of a client, as faults see it. */
export interface Act {
  readonly operation: FaultOperation | 'deliver';
  readonly entity: string;
  readonly session?: string | undefined;
  readonly messageId?: string | undefined;
  /** The lock it is about. */
  readonly lock?: Omit<LockTarget, 'entity'> | undefined;
  readonly client: Client;
}

/** A fault with its account. */
export interface Armed {
  readonly id: string;
  readonly fault: Fault;
  /** Operations that fitted and were let through. */
  passed: number;
  triggered: number;
  /** It acted at once, and that was all. */
  readonly now: boolean;
}

export function pointOf(fault: Fault): FaultPoint | undefined {
  if (fault.kind === 'duplicate') return undefined;
  return fault.at ?? (fault.kind === 'stop' ? 'committed' : 'arrived');
}

export function isSpent({ fault, triggered, now }: Armed): boolean {
  const times = fault.on?.times ?? 1;
  return now || (times !== 'always' && triggered >= times);
}

/** Counts those that pass. */
export function fits(armed: Armed, act: Act): boolean {
  const { fault } = armed;
  if (isSpent(armed) || !concerns(fault.on ?? {}, act)) return false;
  if (armed.passed >= (fault.on?.skip ?? 0)) return true;
  armed.passed += 1;
  return false;
}

function concerns(on: FaultTrigger & DeliveryTrigger, act: Act): boolean {
  const { operation, entity, session, container, messageId } = on;
  return (
    (operation === undefined || operation === act.operation) &&
    (entity === undefined || entity.toLowerCase() === act.entity.toLowerCase()) &&
    (session === undefined || session === act.session) &&
    (container === undefined || container === act.client.container) &&
    (messageId === undefined || messageId === act.messageId)
  );
}
