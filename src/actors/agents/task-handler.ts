// One task from its queue to its reply: stored result first, so that a redelivered task is answered and not paid twice.
import { SpanKind } from '@opentelemetry/api';
import { checkJson } from '../../contract/border.ts';
import type { AgentContext, RetryPolicy } from '../../contract/config.ts';
import { OFFERS } from '../../contract/entities.ts';
import { toErrorJson, withData } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { Payloads, ResultStore } from '../../contract/payload.ts';
import type { Bridge, Clock, Disposition, Logger, WorkerPool } from '../../contract/ports.ts';
import { cutText, MAX_CLAIM_BYTES } from '../../contract/sizes.ts';
import {
  ATTR,
  inSpan,
  MESSAGING_SYSTEM,
  recordFailure,
  SPAN,
  traceparentOf,
} from '../../contract/telemetry.ts';
import type { InboundMessage, TaskBody, WireMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { limitSignal } from '../../signals.ts';
import {
  claimingPublish,
  familyOf,
  isRefusedForGood,
  isUnreadable,
  jsonBytes,
  openClaims,
  payloadsWithin,
  removeClaims,
  tooLarge,
} from '../protocol/claims.ts';
import { hashId, replyMessageId, taskMessageId } from '../protocol/ids.ts';
import { withoutLife } from '../protocol/lives.ts';
import { parseTaskBody } from '../protocol/messages.ts';
import { noteRetry } from '../protocol/retries.ts';
import { MAX_UNFINISHED } from '../protocol/unfinished.ts';
import type { Pieces } from './pieces.ts';
import { createPieces } from './pieces.ts';
import type { Runnable } from './run.ts';
import { runAttempt } from './run.ts';

export interface TaskCounters {
  /** Attempts begun, answers found in the store, attempts put off for a retry, tasks given up. */
  started: number;
  answeredFromStore: number;
  retried: number;
  failed: number;
  /** In hand now, and the most there ever were. */
  running: number;
  peak: number;
}

export interface TaskHost {
  readonly name: string;
  readonly entity: string;
  readonly resolve: (task: TaskBody) => Runnable | undefined;
  readonly timeoutMs: number;
  readonly retry: Required<RetryPolicy>;
  readonly bridge: Pick<Bridge, 'publish' | 'cancelScheduled'>;
  readonly pool: WorkerPool;
  readonly results: ResultStore;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: TaskCounters;
  /** A task names a folder that nobody has signed who has this payload store. */
  readonly onUnsigned: (folder: string) => void;
  /** Aborts when the grace of a shutdown is over: what still runs is handed back. */
  readonly shutdown: AbortSignal;
}

export const DEFAULT_RETRY: Required<RetryPolicy> = { attempts: 3, backoffMs: 1_000, maxBackoffMs: 60_000 };
const COMPLETE: Disposition = { kind: 'complete' };
/** The service takes 4,096 characters; the error is read again by the dead-letter pump, so it stays whole JSON. */
const MAX_DESCRIPTION_BYTES = 4_000;
/** What is left for the message beside a code and the number of attempts. */
const MAX_MESSAGE_BYTES = 3_000;
const MAX_CODE_BYTES = 256;
/** Characters of an error's message in a log line. */
const MAX_LOGGED = 500;

export function createTaskHandler(
  options: TaskHost,
): (message: InboundMessage, lost: AbortSignal) => Promise<Disposition> {
  const host = {
    ...options,
    bridge: {
      publish: claimingPublish(options.bridge, options.payloads),
      cancelScheduled: options.bridge.cancelScheduled,
    },
  };
  return async (message, lost) => {
    const parsed = parseTaskBody(message);
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    const task = parsed.body;
    const { counters } = host;
    counters.running++;
    counters.peak = Math.max(counters.peak, counters.running);
    try {
      return await inSpan(
        SPAN.process(host.entity),
        {
          kind: SpanKind.CONSUMER,
          parent: message.traceparent,
          attributes: {
            [ATTR.messagingSystem]: MESSAGING_SYSTEM,
            [ATTR.messagingDestination]: host.entity,
            [ATTR.messagingOperationName]: 'process',
            [ATTR.messagingOperationType]: 'process',
            [ATTR.messagingMessageId]: message.messageId,
            [ATTR.messagingDeliveryCount]: message.deliveryCount,
            [ATTR.actor]: String(message.properties[PROPERTY.from] ?? ''),
            [ATTR.execution]: withoutLife(task.execution),
            [ATTR.agent]: task.agent,
            [ATTR.attempt]: task.attempt,
          },
        },
        async (span) => {
          const outcome = await handle(task, message, lost, host, traceparentOf(span));
          span.setAttribute(ATTR.messagingDisposition, outcome.kind);
          if (outcome.kind === 'deadLetter') recordFailure(span, new Error(outcome.reason));
          return outcome;
        },
      );
    } finally {
      counters.running--;
    }
  };
}

async function handle(
  task: TaskBody,
  message: InboundMessage,
  lost: AbortSignal,
  host: TaskHost,
  traceparent: string | undefined,
): Promise<Disposition> {
  const { counters, clock, results } = host;
  const { folder: family, refused } = await familyOf(message, host.payloads);
  if (refused !== undefined) host.onUnsigned(refused);
  const stored = (await storedResult(host, family, task.key)) as unknown as Outcome | undefined;
  if (stored !== undefined) {
    counters.answeredFromStore++;
    return reply(task, message, stored, host, traceparent);
  }
  // Nobody waits any more: the asker's own deadline timer has told it so (I11).
  const deadlineAt = deadlineOf(task, message, clock);
  if (clock.now() >= deadlineAt) return COMPLETE;
  // Nobody knows whether what it was to do was done.
  if (message.deliveryCount >= MAX_UNFINISHED) {
    return giveUp(host, {
      code: 'TASK_FAILED',
      message: `the host was gone each of ${message.deliveryCount} times before it was done`,
    });
  }
  const runnable = host.resolve(task);
  if (runnable === undefined)
    return giveUp(host, { code: 'AGENT_NOT_FOUND', message: `no agent ${task.agent} here` });

  const input = await inputOf(task, message, host);
  if (input.kind === 'unreadable') return giveUp(host, input.error);

  // Lost while its input was fetched: somebody else may have begun it.
  if (lost.aborted) throw lostLock();
  counters.started++;
  const stopped = limitSignal({ sources: [lost, host.shutdown] });
  const pieces = piecesOf(task, message, host, traceparent);
  const context = contextOf({ ...task, deadlineAt }, message, stopped.signal, host, family, pieces);
  const attempt = await runAttempt(
    host.name,
    runnable,
    input.value,
    context,
    host.pool,
    host.timeoutMs,
  ).finally(stopped.release);
  // Also those that the agent did not wait for: behind the answer nobody would take them.
  await pieces.idle();
  if (attempt.kind === 'done') {
    const outcome: Outcome = { status: 'done', output: attempt.output };
    const large = excess(outcome);
    // It would be as large the next time.
    if (large !== undefined) return giveUp(host, large);
    await results.put(family, task.key, outcome);
    return reply(task, message, outcome, host, traceparent);
  }
  if (lost.aborted) throw lostLock();
  if (host.shutdown.aborted) return handBack(task, message, host, deadlineAt);
  const attempts = task.attempt;
  const failed = (more: Record<string, Json> = {}): Disposition =>
    giveUp(host, withData(attempt.error, { attempts, ...more }));
  const retryAt = clock.now() + backoff(host.retry, attempts);
  if (!attempt.retryable || attempts >= host.retry.attempts || retryAt >= deadlineAt) return failed();
  // Left to its lock it would be run again and again, and none of that would be counted.
  const retry = again(task, message, host, { attempt: attempts + 1 }, deadlineAt, retryAt);
  const sent = await publishUnlessRefused(host, retry);
  if (sent.kind === 'refused') return failed({ notRetried: sent.error.message });
  if (await isInVain(task, family, host, sent.sequenceNumber, retryAt)) return COMPLETE;
  counters.retried++;
  host.logger.info(
    `attempt ${attempts} of ${host.name} failed, again in ${retryAt - clock.now()} ms: ${attempt.error.message.slice(0, MAX_LOGGED)}`,
    { code: attempt.error.code, task: task.key, ...askerOf(message) },
  );
  return COMPLETE;
}

/**
 * When nobody waits any more. What is left of its time to live is the broker's own reckoning: no clock of the asker's, nor of
 * this machine, has a say in it.
 */
function deadlineOf(task: TaskBody, message: InboundMessage, clock: Clock): number {
  const { timeToLiveMs, enqueuedAt, deliveredAt } = message;
  if (timeToLiveMs === undefined || deliveredAt === undefined) return task.deadlineAt;
  return clock.now() + timeToLiveMs - Math.max(0, deliveredAt - enqueuedAt);
}

/** For whom it was done, as a field of a log line. */
function askerOf({ properties }: InboundMessage): { readonly actor?: string } {
  const { [PROPERTY.from]: actor } = properties;
  return typeof actor === 'string' ? { actor } : {};
}

function lostLock(): Error {
  return new Error('the lock was lost; the task is somebody else’s now');
}

type Published =
  | { readonly kind: 'sent'; readonly sequenceNumber: number | undefined }
  /** For good: why it can never be sent. */
  | { readonly kind: 'refused'; readonly error: ErrorJson };

async function publishUnlessRefused({ bridge }: TaskHost, message: WireMessage): Promise<Published> {
  try {
    const [published] = await bridge.publish([message]);
    return { kind: 'sent', sequenceNumber: published?.sequenceNumber };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'CONNECTION_FAILED');
    if (!isRefusedForGood(error.code)) throw thrown;
    return { kind: 'refused', error };
  }
}

/**
 * Says where the retry lies; true, and it is taken back, where its asker has closed the execution meanwhile. A store or a broker
 * that does not answer changes nothing: the retry is sent, and at worst lies until it is due.
 */
async function isInVain(
  { execution, key }: TaskBody,
  family: string,
  { bridge, entity, results, logger }: TaskHost,
  sequenceNumber: number | undefined,
  dueAt: number,
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

function excess(outcome: Outcome): ErrorJson | undefined {
  const bytes = jsonBytes(outcome as unknown as Json);
  return bytes <= MAX_CLAIM_BYTES
    ? undefined
    : toErrorJson(tooLarge('the answer', bytes, MAX_CLAIM_BYTES), 'EFFECT_TOO_LARGE');
}

type Input =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'unreadable'; readonly error: ErrorJson };

/** An input that cannot be read now, for the storage does not answer, leaves the task to its lock. */
async function inputOf(task: TaskBody, message: InboundMessage, host: TaskHost): Promise<Input> {
  try {
    const opened = await openClaims(message, host.payloads);
    return {
      kind: 'value',
      value: opened === message ? task.input : (opened.body as TaskBody).input,
    };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    return { kind: 'unreadable', error };
  }
}

/** A result that cannot be read counts as missing: the task is done again, under the same key. */
async function storedResult({ results }: TaskHost, family: string, key: string): Promise<Json | undefined> {
  try {
    return await results.get(family, key);
  } catch (thrown) {
    if (!isUnreadable(toErrorJson(thrown, 'INTERNAL').code)) throw thrown;
    return undefined;
  }
}

function backoff({ backoffMs, maxBackoffMs }: Required<RetryPolicy>, attempt: number): number {
  return Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1));
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
  return JSON.stringify({
    code: cutText(error.code, MAX_CODE_BYTES),
    message: cutText(error.message, MAX_MESSAGE_BYTES),
    ...(typeof attempts === 'number' ? { data: { attempts } } : {}),
  });
}

async function reply(
  task: TaskBody,
  message: InboundMessage,
  outcome: Outcome,
  host: TaskHost,
  traceparent: string | undefined,
): Promise<Disposition> {
  const answer = replyMessage(task, message, outcome, host.clock.now(), traceparent);
  const sent = answer === undefined ? undefined : await publishUnlessRefused(host, answer);
  if (sent?.kind === 'refused') return giveUp(host, sent.error);
  // From here on it is answered from the store.
  await removeClaims(message, host.payloads).catch(() => {});
  return COMPLETE;
}

function replyMessage(
  task: TaskBody,
  message: InboundMessage,
  outcome: Outcome,
  now: number,
  traceparent: string | undefined,
): WireMessage | undefined {
  const { replyTo, replyToSessionId } = message;
  if (replyTo === undefined || replyToSessionId === undefined) return undefined;
  const branch = task.branch === null ? {} : { branch: task.branch };
  const common = {
    messageId: replyMessageId(task.key),
    properties: { [PROPERTY.format]: WIRE_FORMAT, [PROPERTY.execution]: withoutLife(task.execution) },
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  if (task.offerTtlMs !== undefined && outcome.status === 'done') {
    const expiresAt = now + task.offerTtlMs;
    const body = {
      kind: 'offer',
      execution: task.execution,
      branch: task.branch,
      value: outcome.output,
      expiresAt,
    };
    return {
      ...common,
      // Handed on after this attempt is over: it hangs under the task, which ends with the accepted answer.
      ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
      entity: OFFERS,
      subject: 'offer',
      timeToLiveMs: task.offerTtlMs,
      replyTo,
      replyToSessionId,
      body,
    };
  }
  const body = { kind: 'reply', execution: task.execution, ...branch, outcome: outcome as unknown as Json };
  return { ...common, entity: replyTo, sessionId: replyToSessionId, subject: 'reply', body };
}

function contextOf(
  task: TaskBody,
  message: InboundMessage,
  signal: AbortSignal,
  host: TaskHost,
  family: string,
  pieces: Pieces,
): AgentContext {
  return {
    key: task.key,
    attempt: task.attempt + message.deliveryCount,
    signal,
    deadlineAt: task.deadlineAt,
    logger: host.logger,
    payloads: payloadsWithin(host.payloads, family),
    partial: (value) => {
      const border = { of: `agent '${host.name}'`, path: 'partial', code: 'OUTPUT_INVALID' } as const;
      const sent = (async () => pieces.send(checkJson(value, border)))();
      // For an agent that does not wait for it, and must not end the process.
      sent.catch((thrown: unknown) => {
        const { code, message: why } = toErrorJson(thrown, 'CONNECTION_FAILED');
        host.logger.warn(`a piece of an answer was not sent: ${why}`, { code, task: task.key });
      });
      return sent;
    },
  };
}

function piecesOf(
  task: TaskBody,
  message: InboundMessage,
  host: TaskHost,
  traceparent: string | undefined,
): Pieces {
  const { replyTo, replyToSessionId } = message;
  const send = async (value: Json, seq: number): Promise<void> => {
    if (replyTo === undefined || replyToSessionId === undefined) return;
    await host.bridge.publish([
      {
        entity: replyTo,
        sessionId: replyToSessionId,
        subject: 'partial',
        messageId: hashId('partial', task.key, seq),
        properties: { [PROPERTY.format]: WIRE_FORMAT, [PROPERTY.execution]: withoutLife(task.execution) },
        ...(traceparent === undefined ? {} : { traceparent }),
        body: {
          kind: 'partial',
          execution: task.execution,
          ...(task.branch === null ? {} : { branch: task.branch }),
          seq,
          value,
        },
      },
    ]);
  };
  return createPieces(send);
}

/** The grace of the shutdown is over: another host starts this attempt afresh. */
async function handBack(
  task: TaskBody,
  message: InboundMessage,
  host: TaskHost,
  deadlineAt: number,
): Promise<Disposition> {
  const sent = await publishUnlessRefused(
    host,
    again(task, message, host, { release: message.sequenceNumber }, deadlineAt),
  );
  return sent.kind === 'sent' ? COMPLETE : giveUp(host, sent.error);
}

/** The same task as a new message: for a retry later, or for another host now. */
function again(
  task: TaskBody,
  message: InboundMessage,
  host: TaskHost,
  change: { attempt?: number; release?: number },
  deadlineAt: number,
  notBefore?: number,
): WireMessage {
  const body = { ...task, attempt: change.attempt ?? task.attempt };
  const left = Math.max(1, Math.floor(deadlineAt - (notBefore ?? host.clock.now())));
  return {
    entity: host.entity,
    subject: 'task',
    messageId: taskMessageId(task.key, body.attempt, change.release ?? 0),
    timeToLiveMs: left,
    properties: { ...message.properties, [PROPERTY.attempt]: body.attempt },
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
    ...(message.replyToSessionId === undefined ? {} : { replyToSessionId: message.replyToSessionId }),
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    body: body,
  };
}
