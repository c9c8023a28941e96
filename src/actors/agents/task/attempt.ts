// One attempt of one task: the agent's own code with its context, under its time-out, as an outcome.
import { setTimeout as sleep } from 'node:timers/promises';
import { limitSignal } from '../../../common/signals.ts';
import { checkJson } from '../../../contract/border.ts';
import type { AgentContext, IoAgent } from '../../../contract/config.ts';
import { QuorateError, toErrorJson } from '../../../contract/errors.ts';
import { toTaskError } from '../../../contract/failure.ts';
import { copyJson, type Json } from '../../../contract/json.ts';
import type { Outcome } from '../../../contract/outcome.ts';
import type { Usage } from '../../../contract/usage.ts';
import type { WorkerRequest } from '../../../contract/worker.ts';
import { carriedIn } from '../../../observability/carried.ts';
import { redactAll } from '../../../observability/redaction.ts';
import { isRefusedForGood, payloadsWithin } from '../../protocol/claims.ts';
import type { TaskPermits } from '../limit/task-limit.ts';
import type { OpenStream } from '../stream/hub.ts';
import type { Meter } from './meter.ts';
import { keepLate } from './settle.ts';
import type { Admitted, Attempt, Runnable, Task, TaskHost } from './task.ts';
import { toPiece } from './task-messages.ts';

/** Beside the task: what it uses, and what it streams. */
interface Reports {
  readonly meter: Meter;
  readonly stream: OpenStream;
}

export async function run(
  task: Task,
  admitted: Admitted,
  reports: Reports,
  host: TaskHost,
): Promise<Attempt> {
  host.counters.started++;
  const cancelled = new AbortController();
  const unwatch = host.cancellations.watch(task.marks, () => cancelled.abort(nobodyWaits()));
  const { signal, release } = limitSignal({
    sources: [admitted.claim?.lost ?? task.lost, host.shutdown, cancelled.signal],
  });
  const pieces = piecesOf(task, host);
  const context = contextOf(task, admitted, host, { signal, pieces, ...reports });
  const { runnable, input } = admitted;
  let attempt: Attempt;
  try {
    attempt =
      runnable.kind === 'agent' && 'run' in runnable.config
        ? // A retry and a hand-back send the input on: what this attempt does to its own is not seen there.
          await runInProcess(host, runnable.config.run, copyJson(input), context, {
            cancelled: cancelled.signal,
            onLate: (outcome) => void keepLate(task, { outcome, family: admitted.family }, host),
          })
        : await runInPool(host, workerRequest(task, admitted, context), context);
  } finally {
    unwatch();
    release();
  }
  if (cancelled.signal.aborted && !task.lost.aborted) {
    if (hasLostThread(runnable, attempt)) host.counters.ranOn++;
    return attempt.kind === 'done' ? { ...attempt, late: true } : { kind: 'cancelled' };
  }
  // Also those that the agent did not wait for: behind the answer nobody would take them.
  await pieces.idle();
  // An agent's error may repeat the key that it was refused with; it ends up in states, spans and dead letters.
  return attempt.kind === 'failed' ? { ...attempt, error: redactAll(attempt.error) } : attempt;
}

/** It did not end by itself when it was told. */
function hasLostThread({ kind }: Runnable, attempt: Attempt): boolean {
  return kind === 'agent' && attempt.kind === 'failed' && attempt.error.code === 'ABORTED';
}

function nobodyWaits(): QuorateError {
  return new QuorateError('TASK_CANCELLED', 'nobody waits for this task any more');
}

function contextOf(
  { body, message }: Task,
  { family, deadlineAt, permits }: Admitted,
  host: TaskHost,
  { signal, pieces, meter, stream }: Reports & { readonly signal: AbortSignal; readonly pieces: Pieces },
): AgentContext {
  return {
    key: body.key,
    attempt: body.attempt + message.deliveryCount,
    signal,
    deadlineAt,
    logger: host.logger,
    payloads: payloadsWithin(host.payloads, family),
    partial: (value) => {
      const border = { of: `agent '${host.name}'`, path: 'partial', code: 'OUTPUT_INVALID' } as const;
      const sent = (async () => pieces.send(checkJson(value, border)))();
      // For an agent that does not wait for it, and must not end the process.
      sent.catch((thrown: unknown) => {
        const { code, message: why } = toErrorJson(thrown, 'CONNECTION_FAILED');
        host.logger.warn(`a piece of an answer was not sent: ${why}`, { code, task: body.key });
      });
      return sent;
    },
    stream: stream.push,
    usage: meter.usage,
    reserve: permits === undefined ? meter.reserve : limited(meter, permits, signal),
    limit: permits?.name,
  };
}

/** A further call of the same attempt counts as one for its limit too. */
function limited(meter: Meter, permits: TaskPermits, signal: AbortSignal): AgentContext['reserve'] {
  return async (estimate) => {
    const settled = await permits.reserve(estimate.tokens ?? 0, signal);
    const reservation = await meter.reserve(estimate);
    return {
      settle: (usage) => {
        reservation.settle(usage);
        const { inputTokens, outputTokens } = usage;
        const isKnown = inputTokens !== undefined || outputTokens !== undefined;
        settled(isKnown ? (inputTokens ?? 0) + (outputTokens ?? 0) : undefined);
      },
    };
  };
}

function piecesOf(task: Task, { bridge }: TaskHost): Pieces {
  return createPieces(async (value, seq) => {
    const piece = toPiece(task, value, seq);
    if (piece !== undefined) await bridge.publish([piece]);
  });
}

function workerRequest(
  { traceparent, message }: Task,
  { runnable, input }: Admitted,
  { key, attempt, deadlineAt }: AgentContext,
): WorkerRequest {
  const trace = traceparent === undefined ? {} : { trace: { traceparent, ...carriedIn(message.properties) } };
  if (runnable.kind === 'logic')
    return { kind: 'promise', machine: runnable.machine, src: runnable.src, input, ...trace };
  const { config } = runnable;
  if (!('module' in config)) throw new TypeError('an agent without a module runs in process');
  const { module, export: name } = config;
  return { kind: 'agent', module: String(module), export: name, input, key, attempt, deadlineAt, ...trace };
}

async function runInPool(
  { pool, timeoutMs, clock }: TaskHost,
  request: WorkerRequest,
  { signal, usage, stream }: AgentContext,
): Promise<Attempt> {
  // What it says is checked where it is booked.
  const onUsage = (used: unknown): void => usage(used as Usage);
  const onChunk = (chunk: unknown): void => stream(chunk as Json);
  const response = await pool.run(request, { signal, timeoutMs, onUsage, onChunk });
  if (response.kind === 'outcome') {
    const { outcome } = response;
    return outcome.status === 'done'
      ? { kind: 'done', output: outcome.output }
      : { kind: 'failed', error: outcome.error };
  }
  if (response.kind !== 'failed') throw new Error(`a worker answered a task with ${response.kind}`);
  return { kind: 'failed', error: toTaskError(response.error, { now: clock.now() }) };
}

/** What an agent that was told has to end, before it is left to itself. */
const GRACE_MS = 1_000;

interface Cancelling {
  readonly cancelled: AbortSignal;
  /** Its answer, from an agent that was left to itself. */
  readonly onLate: (outcome: Outcome) => void;
}

async function runInProcess(
  { name, timeoutMs, counters, clock }: TaskHost,
  agent: IoAgent['run'],
  input: Json,
  context: AgentContext,
  { cancelled, onLate }: Cancelling,
): Promise<Attempt> {
  const of = `agent '${name}'`;
  const onTimeout = (): Error =>
    new QuorateError('AGENT_TIMEOUT', `${of} gave no answer within ${timeoutMs} ms`);
  const { signal, aborted, release } = limitSignal({ sources: [context.signal], timeoutMs, onTimeout });
  const answer = (async (): Promise<Json> => {
    const output = await agent(input, { ...context, signal });
    return checkJson(output, { of, path: 'output', code: 'OUTPUT_INVALID' });
  })();
  try {
    return { kind: 'done', output: await Promise.race([answer, aborted]) };
  } catch (thrown) {
    if (cancelled.aborted) {
      const end = answer
        .then((output): Attempt => ({ kind: 'done', output }))
        .catch((): Attempt => ({ kind: 'cancelled' }));
      const inTime = await Promise.race([end, sleep(GRACE_MS)]);
      if (inTime !== undefined) return inTime;
      counters.ranOn++;
      void end.then((it) => it.kind === 'done' && onLate({ status: 'done', output: it.output }));
      return { kind: 'cancelled' };
    }
    if (thrown instanceof Response) void thrown.body?.cancel().catch(() => {});
    return { kind: 'failed', error: toTaskError(thrown, { now: clock.now(), signal }) };
  } finally {
    release();
  }
}

// Pieces of an answer, sent ahead of it. A machine gets them in order, so a number that nobody sends would hold back all that
// come after it: each piece takes its number when the one before it has been accepted, and there is no other way to get one.

interface Pieces {
  /** Resolves when the piece has been accepted. */
  send(value: Json): Promise<void>;
  /** All that were sent have been accepted or refused: only then may the answer follow. */
  idle(): Promise<void>;
}

/** `send` rejects when the piece was not accepted. */
export function createPieces(send: (value: Json, seq: number) => Promise<unknown>): Pieces {
  let seq = 0;
  let last: Promise<void> = Promise.resolve();
  /** One of which nobody knows whether it was accepted: what has its number now is unknown, so nothing may follow. */
  let unknown: { readonly thrown: unknown } | undefined;

  const sendNext = async (value: Json): Promise<void> => {
    if (unknown !== undefined) throw unknown.thrown;
    try {
      await send(value, seq);
      seq += 1;
    } catch (thrown) {
      if (!isRefusedForGood(toErrorJson(thrown, 'CONNECTION_FAILED').code)) unknown = { thrown };
      throw thrown;
    }
  };

  return {
    send: (value) => {
      const sent = last.then(() => sendNext(value));
      last = sent.catch(() => {});
      return sent;
    },
    idle: () => last,
  };
}
