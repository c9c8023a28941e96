// Carries out what was decided about a task, and says what becomes of its message: the outcome is stored before it is sent, and
// what takes the place of the message is sent before the message is settled, so that a crash in between repeats and loses nothing.
import { toErrorJson } from '../../../contract/errors.ts';
import { failureOf } from '../../../contract/failure.ts';
import type { Json } from '../../../contract/json.ts';
import { type ErrorJson, type Outcome, withData } from '../../../contract/outcome.ts';
import type { Disposition } from '../../../contract/ports.ts';
import { cutText } from '../../../contract/sizes.ts';
import type { WireMessage } from '../../../contract/wire.ts';
import { PROPERTY } from '../../../contract/wire.ts';
import { isRefusedForGood, removeClaims } from '../../protocol/claims.ts';
import { noteRetry } from '../../protocol/retries.ts';
import { isFunded, toAgain } from './bill.ts';
import { excess } from './next.ts';
import type { Next, Task, TaskHost } from './task.ts';
import { toReply, toSameTask } from './task-messages.ts';

const COMPLETE: Disposition = { kind: 'complete' };
/** The service takes 4,096 characters; the error is read again by the dead-letter pump, so it stays whole JSON. */
const MAX_DESCRIPTION_BYTES = 4_000;
/** What is left for the message beside a code and the number of attempts. */
const MAX_MESSAGE_BYTES = 3_000;
const MAX_CODE_BYTES = 256;
/** Characters of an error's message in a log line. */
const MAX_LOGGED = 500;

/** `bill`: what the attempt used, for its asker; together with the answer, where there is one. */
export async function settle(
  task: Task,
  next: Next,
  bill: readonly WireMessage[],
  host: TaskHost,
): Promise<Disposition> {
  if (next.kind === 'drop' || next.kind === 'keep' || next.kind === 'giveUp' || next.kind === 'lost')
    await publishBill(host, bill);
  switch (next.kind) {
    case 'answer':
      if (next.family !== undefined)
        await host.results.put(next.family, task.body.key, next.outcome as unknown as Json);
      return answer(task, next.outcome, bill, host);
    case 'drop':
      if (next.counted === undefined) return COMPLETE;
      host.counters[next.counted]++;
      if (next.counted === 'aborted') sayTold(task, host, '');
      return complete(task, host);
    case 'keep':
      host.counters.aborted++;
      sayTold(task, host, '; its answer is kept');
      await keepLate(task, next, host);
      return complete(task, host);
    case 'giveUp':
      return giveUp(host, next.error);
    case 'retry':
      return retry(task, next, bill, host);
    case 'later':
      return lookAgain(task, next, host);
    case 'handBack':
      return handBack(task, next, bill, host);
    case 'lost':
      throw new Error('the lock was lost; the task is somebody else’s now');
  }
}

async function answer(
  task: Task,
  outcome: Outcome,
  bill: readonly WireMessage[],
  host: TaskHost,
): Promise<Disposition> {
  const reply = toReply(task, outcome, host.clock.now());
  const sent = reply === undefined ? undefined : await publishUnlessRefused(host, reply, bill);
  if (sent?.kind === 'refused') return giveUp(host, sent.error);
  // From here on it is answered from the store.
  return complete(task, host);
}

/** It was paid for: a task that comes again finds it. One that no store takes, or not now, is nobody's loss. */
export async function keepLate(
  { body }: Task,
  { outcome, family }: Pick<Extract<Next, { kind: 'keep' }>, 'outcome' | 'family'>,
  { counters, results, logger }: TaskHost,
): Promise<void> {
  counters.late++;
  if (excess(outcome) !== undefined) return;
  try {
    await results.put(family, body.key, outcome as unknown as Json);
  } catch (error) {
    logger.debug('an answer that came late was not kept', { reason: String(error), task: body.key });
  }
}

/** Tasks that were not begun are counted only: of one run there may be thousands. */
function sayTold(task: Task, { logger, name }: TaskHost, more: string): void {
  const fields = { code: 'TASK_CANCELLED', task: task.body.key, ...askerOf(task) };
  logger.info(`nobody waits any more for what ${name} was doing, and it was told${more}`, fields);
}

/** Nobody reads its input any more. */
async function complete({ message }: Task, { payloads }: TaskHost): Promise<Disposition> {
  await removeClaims(message, payloads).catch(() => {});
  return COMPLETE;
}

type Retry = Extract<Next, { kind: 'retry' }>;

/** Left to its lock it would be run again and again, and none of that would be counted. */
async function retry(
  task: Task,
  next: Retry,
  bill: readonly WireMessage[],
  host: TaskHost,
): Promise<Disposition> {
  const { entity, clock, counters, logger, name } = host;
  const { attempt: attempts, key } = task.body;
  const { at: notBefore, deadlineAt, error, attempt, waits, putOffMs = 0 } = next;
  if (await isCancelledNow(task, host)) {
    await publishBill(host, bill);
    return complete(task, host);
  }
  const again = { entity, deadlineAt, now: clock.now(), attempt, waits, notBefore };
  const sent = await sendAgain(task, toSameTask(task, again), bill, host);
  if (sent.kind === 'refused')
    return giveUp(host, withData(error, { attempts, notRetried: sent.error.message }));
  // Of one that its asker sends nobody knows yet where it lies.
  if (!isFunded(task) && (await isInVain(task, next, sent.sequenceNumber, host))) return COMPLETE;
  const isWait = attempt === attempts;
  counters[isWait ? 'waited' : 'retried']++;
  if (putOffMs > 0) counters.putOff++;
  const when = `again in ${Math.max(0, notBefore - clock.now())} ms`;
  const why = `${failureOf(error)?.kind}, for the ${waits}. time`;
  const what = isWait
    ? `attempt ${attempts} of ${name} waits (${why}), ${when}, at ${new Date(notBefore).toISOString()}`
    : `attempt ${attempts} of ${name} failed, ${when}${putOffMs > 0 ? `, ${putOffMs} of them since there are too many retries` : ''}`;
  const fields = { code: error.code, task: key, ...askerOf(task) };
  logger.info(`${what}: ${error.message.slice(0, MAX_LOGGED)}`, fields);
  return COMPLETE;
}

/**
 * Says where the retry lies; true, and it is taken back, where its asker has closed the execution meanwhile. A store or a broker
 * that does not answer changes nothing: the retry is sent, and at worst lies until it is due.
 */
async function isInVain(
  { body: { execution, key } }: Task,
  { family, at: dueAt }: Retry,
  sequenceNumber: number | undefined,
  { bridge, entity, results, logger }: TaskHost,
): Promise<boolean> {
  if (sequenceNumber === undefined) return false;
  try {
    const isClosed = await noteRetry(results, { family, execution, key }, { entity, sequenceNumber, dueAt });
    if (isClosed) await bridge.cancelScheduled(entity, [sequenceNumber]);
    return isClosed;
  } catch (error) {
    logger.debug('where a retry lies was not noted', { reason: String(error) });
    return false;
  }
}

/** Nobody waits for another attempt. */
async function isCancelledNow({ marks }: Task, { cancellations, counters }: TaskHost): Promise<boolean> {
  const isCancelled = await cancellations.isCancelledNow(marks);
  if (isCancelled) counters.cancelled++;
  return isCancelled;
}

/** For whom it was done, as a field of a log line. */
function askerOf({ message }: Task): { readonly actor?: string } {
  const { [PROPERTY.from]: actor } = message.properties;
  return typeof actor === 'string' ? { actor } : {};
}

/** The process that runs it answers, or has died by then; its limit has room, or its agent is resumed. Not behind its deadline, of which its asker is told. */
async function lookAgain(
  task: Task,
  { at, counted, deadlineAt }: Extract<Next, { kind: 'later' }>,
  host: TaskHost,
): Promise<Disposition> {
  const { bridge, clock, counters, entity } = host;
  const now = clock.now();
  const notBefore = Math.max(now, Math.min(at, deadlineAt - 1));
  await bridge.publish([
    toSameTask(task, {
      entity,
      deadlineAt,
      now,
      waits: task.waits + 1,
      putOffs: task.putOffs + 1,
      notBefore,
    }),
  ]);
  counters[counted]++;
  return COMPLETE;
}

/** The grace of the shutdown is over: another host starts this attempt afresh. */
async function handBack(
  task: Task,
  { deadlineAt, lost }: Extract<Next, { kind: 'handBack' }>,
  bill: readonly WireMessage[],
  host: TaskHost,
): Promise<Disposition> {
  if (await isCancelledNow(task, host)) {
    await publishBill(host, bill);
    return complete(task, host);
  }
  const again = {
    entity: host.entity,
    deadlineAt,
    now: host.clock.now(),
    release: task.message.sequenceNumber,
    ...(lost === undefined ? {} : { lost }),
  };
  const sent = await sendAgain(task, toSameTask(task, again), bill, host);
  return sent.kind === 'sent' ? COMPLETE : giveUp(host, sent.error);
}

/** Under a budget to the asker, behind the bill: it sends it on when it has reserved for it. */
async function sendAgain(
  task: Task,
  message: WireMessage,
  bill: readonly WireMessage[],
  host: TaskHost,
): Promise<Published> {
  return publishUnlessRefused(host, (isFunded(task) ? toAgain(task, message) : undefined) ?? message, bill);
}

type Published =
  | { readonly kind: 'sent'; readonly sequenceNumber: number | undefined }
  /** For good: why it can never be sent. */
  | { readonly kind: 'refused'; readonly error: ErrorJson };

/** `before`: what leaves in front of it, in the same send. */
async function publishUnlessRefused(
  host: TaskHost,
  message: WireMessage,
  before: readonly WireMessage[] = [],
): Promise<Published> {
  try {
    const published = await host.bridge.publish([...before, message]);
    return { kind: 'sent', sequenceNumber: published.at(-1)?.sequenceNumber };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'CONNECTION_FAILED');
    if (!isRefusedForGood(error.code)) throw thrown;
    // The refused one took it along; where it was not that one, it is known by its id.
    await publishBill(host, before);
    return { kind: 'refused', error };
  }
}

/** Where nobody takes it the work is not to suffer. */
async function publishBill({ bridge, logger, name }: TaskHost, bill: readonly WireMessage[]): Promise<void> {
  if (bill.length === 0) return;
  try {
    await bridge.publish(bill);
  } catch (thrown) {
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    if (!isRefusedForGood(code)) throw thrown;
    logger.warn(`nobody took what an attempt of ${name} used: ${message}`, { code });
  }
}

/** Dead-lettered with the error as its description: the dead-letter pump tells the asker and keeps a copy (I11). */
function giveUp(host: TaskHost, error: ErrorJson): Disposition {
  host.counters.failed++;
  return { kind: 'deadLetter', reason: 'TASK_FAILED', description: describe(error) };
}

function describe(error: ErrorJson): string {
  const whole = JSON.stringify(error);
  if (Buffer.byteLength(whole) <= MAX_DESCRIPTION_BYTES) return whole;
  const { attempts } = (error.data ?? {}) as { readonly attempts?: Json };
  const failure = failureOf(error);
  const cut = {
    code: cutText(error.code, MAX_CODE_BYTES),
    message: cutText(error.message, MAX_MESSAGE_BYTES),
  };
  const facts = {
    ...(typeof attempts === 'number' ? { attempts } : {}),
    ...(failure === undefined ? {} : { failure }),
  };
  return JSON.stringify({ ...cut, ...(Object.keys(facts).length > 0 ? { data: facts } : {}) });
}
