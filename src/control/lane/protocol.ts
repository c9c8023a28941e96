// What askers, agents' hosts and the lane of an agent say to each other. Amounts are counted over the whole life of who says them, so a
// message that comes twice, or behind a later one, says nothing new.
import { MAX_TENANT_LENGTH, PRIORITIES, type Priority } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import { type EventJson, isJsonObject, type Json } from '../../contract/json.ts';

/** An asker's: how many tasks it has for the agent, sent ones included. Told when that number changes, and again after a while. */
export interface Want {
  readonly type: 'want';
  /** Its session; who it is. */
  readonly to: ReplyAddress;
  readonly seq: number;
  /** '' where nobody said one. */
  readonly tenant: string;
  readonly priority: Priority;
  /** The tasks that it has sent and those that wait. */
  readonly demand: number;
  /** As far as it knows. */
  readonly granted: number;
  /** Since when they wait (epoch ms). */
  readonly since: number;
  /** As the asker's process is configured: of the tenant, and how many tasks of the agent one process runs at once. */
  readonly weight: number;
  readonly concurrency: number;
}

/** Of a process that runs the agent. */
export interface Began {
  readonly type: 'began';
  readonly process: string;
  readonly seq: number;
  /** Tasks that were begun since its last report, by tenant. */
  readonly tenants: Readonly<Record<string, number>>;
  readonly concurrency: number;
  /** 0: it has stopped. */
  readonly running: number;
}

/** To an asker: how many of its tasks may have left by now. `seq` = of the want that it goes by. */
export interface LaneGrant {
  readonly granted: number;
  readonly seq: number;
}

const MOST = 1_000_000_000;
const LONGEST = 128;
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST;
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isTenant = (value: unknown): boolean => typeof value === 'string' && value.length <= MAX_TENANT_LENGTH;

/** Undefined for what no host of ours has sent. */
export function readWant(event: EventJson): Want | undefined {
  const want = event as unknown as Partial<Want>;
  const { type, to, seq, tenant, priority, demand, granted, since, weight, concurrency } = want;
  const isWant =
    type === 'want' &&
    isSession(to) &&
    [seq, demand, granted, concurrency].every(isCount) &&
    isTenant(tenant) &&
    PRIORITIES.includes(priority as Priority) &&
    isTime(since) &&
    isTime(weight) &&
    Number(weight) > 0;
  return isWant ? (want as Want) : undefined;
}

export function readBegan(event: EventJson): Began | undefined {
  const began = event as unknown as Partial<Began>;
  const { type, process, seq, tenants, concurrency, running } = began;
  const isBegan =
    type === 'began' &&
    typeof process === 'string' &&
    process.length <= LONGEST &&
    [seq, concurrency, running].every(isCount) &&
    isJsonObject(tenants) &&
    Object.entries(tenants).every(([tenant, count]) => isTenant(tenant) && isCount(count));
  return isBegan ? (began as Began) : undefined;
}

/** Undefined for what no lane has sent. */
export function readLaneGrant(value: Json): LaneGrant | undefined {
  if (!isJsonObject(value)) return undefined;
  const { granted, seq } = value;
  return isCount(granted) && isCount(seq) ? { granted, seq } : undefined;
}

/** A grant that no queue takes would hold the lane up for ever. */
function isSession(value: unknown): value is ReplyAddress {
  if (!isJsonObject(value)) return false;
  const { entity, sessionId, correlationId } = value;
  return (
    typeof entity === 'string' &&
    /^actor\.[^ ]{1,240}$/.test(entity) &&
    typeof correlationId === 'string' &&
    !correlationId.includes(' ') &&
    [sessionId, correlationId].every(
      (text) => typeof text === 'string' && text !== '' && text.length <= LONGEST,
    )
  );
}
