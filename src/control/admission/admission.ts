// Whether the deployment takes new runs: decided by how long tasks waited in their agents' queues. CoDel's idea: a burst makes some wait,
// and passes; where even the task that waited least in a whole interval waited too long, there is a standing queue, and what is let in
// only makes it longer. It is let in again once the least wait is half of what is allowed, so that nothing flickers. Pure.
import type { Reduced } from '../../contract/control.ts';
import type { EventJson } from '../../contract/json.ts';
import { type Ask, readAsk, readWaits, type Verdict, type Waits } from './protocol.ts';

/** What is not heard of for so long has no standing queue that anybody knows of. */
const SILENCE_MS = 60_000;
/** Of those that were heard of last. */
const MAX_AGENTS = 512;
/** A refused start may come back after what the queue takes, within these. */
const [SHORTEST_RETRY_MS, LONGEST_RETRY_MS] = [1_000, 60_000];

interface Queue {
  /** When the interval began, and the least wait in it. */
  readonly since: number;
  readonly least: number;
  /** Of the last whole interval. */
  readonly wait: number;
  readonly over: boolean;
  readonly heardAt: number;
}

export interface AdmissionState {
  readonly now: number;
  readonly queues: Readonly<Record<string, Queue>>;
}

export function reduceAdmission(
  state: AdmissionState | undefined,
  event: EventJson,
  given: number,
): Reduced<AdmissionState> {
  const known = state ?? { now: given, queues: {} };
  // A clock that goes back a little stands still here.
  const now = Math.max(known.now, given);
  const ask = readAsk(event);
  if (ask !== undefined) return answer({ now, queues: heard(known.queues, now) }, ask);
  const waits = readWaits(event);
  if (waits === undefined) return { state: { ...known, now }, answers: [] };
  return { state: { now, queues: bounded(note(heard(known.queues, now), waits, now)) }, answers: [] };
}

function answer(state: AdmissionState, { from }: Ask): Reduced<AdmissionState> {
  return { state, answers: [{ to: from, value: { ...verdictOf(state) } }] };
}

/** The queue that is worst decides. */
export function verdictOf({ queues }: Pick<AdmissionState, 'queues'>): Verdict {
  const [worst] = Object.entries(queues)
    .filter(([, { over }]) => over)
    .toSorted(([, a], [, b]) => b.wait - a.wait);
  if (worst === undefined) return { over: false };
  const [agent, { wait }] = worst;
  const retryAfterMs = Math.min(LONGEST_RETRY_MS, Math.max(SHORTEST_RETRY_MS, Math.ceil(wait)));
  return { over: true, agent, waitMs: wait, retryAfterMs };
}

function note(queues: AdmissionState['queues'], waits: Waits, now: number): AdmissionState['queues'] {
  const noted = Object.entries(waits.least).map(([agent, waitMs]) => {
    const known = Object.hasOwn(queues, agent) ? queues[agent] : undefined;
    const first: Queue = { since: now, least: waitMs, wait: 0, over: false, heardAt: now };
    return [agent, heardOf(known ?? first, waitMs, waits, now)] as const;
  });
  return { ...queues, ...Object.fromEntries(noted) };
}

/**
 * An interval ends with the first report behind its end: one without reports says nothing. That a queue is short again is known at once,
 * and it may be the last report for long: a process that rests says nothing.
 */
function heardOf(queue: Queue, waitMs: number, { maxWaitMs, intervalMs }: Waits, now: number): Queue {
  const least = Math.min(queue.least, waitMs);
  const isStillOver = queue.over && least > maxWaitMs / 2;
  if (now - queue.since < intervalMs) return { ...queue, least, over: isStillOver, heardAt: now };
  const over = queue.over ? isStillOver : least > maxWaitMs;
  return { since: now, least: waitMs, wait: least, over, heardAt: now };
}

function heard(queues: AdmissionState['queues'], now: number): AdmissionState['queues'] {
  return Object.fromEntries(Object.entries(queues).filter(([, { heardAt }]) => now - heardAt < SILENCE_MS));
}

function bounded(queues: AdmissionState['queues']): AdmissionState['queues'] {
  const entries = Object.entries(queues);
  if (entries.length <= MAX_AGENTS) return queues;
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => b.heardAt - a.heardAt).slice(0, MAX_AGENTS));
}
