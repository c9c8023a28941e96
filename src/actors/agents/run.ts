// One attempt of one task: the agent's own code under its time-out, as an outcome.
import { checkJson } from '../../contract/border.ts';
import type { AgentConfig, AgentContext, IoAgent } from '../../contract/config.ts';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import { copyJson, type Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { WorkerPool } from '../../contract/ports.ts';
import { redactAll } from '../../contract/secrets.ts';
import type { MachineRef } from '../../contract/turn.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import { limitSignal } from '../../signals.ts';

/** What runs when a task comes: an agent of the configuration, or promise logic that a machine brought itself. */
export type Runnable =
  | { readonly kind: 'agent'; readonly config: AgentConfig }
  | { readonly kind: 'logic'; readonly machine: MachineRef; readonly src: string };

export type Attempt =
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'failed'; readonly error: ErrorJson; readonly retryable: boolean };

export const DEFAULT_TIMEOUT_MS = 60_000;

/** An agent's error may repeat the key that it was refused with; it ends up in states, spans and dead letters. */
export async function runAttempt(
  name: string,
  runnable: Runnable,
  input: Json,
  context: AgentContext,
  pool: WorkerPool,
  timeoutMs: number,
): Promise<Attempt> {
  const attempt = await attemptOf(`agent '${name}'`, runnable, input, context, pool, timeoutMs);
  return attempt.kind === 'done' ? attempt : { ...attempt, error: redactAll(attempt.error) };
}

async function attemptOf(
  of: string,
  runnable: Runnable,
  input: Json,
  context: AgentContext,
  pool: WorkerPool,
  timeoutMs: number,
): Promise<Attempt> {
  if (runnable.kind === 'agent' && 'run' in runnable.config) {
    const { run } = runnable.config;
    // A retry and a hand-back send the input on: what this attempt does to its own is not seen there.
    return runInProcess(of, run, copyJson(input), context, timeoutMs);
  }
  const response = await pool.run(workerRequest(runnable, input, context), {
    signal: context.signal,
    timeoutMs,
  });
  if (response.kind === 'outcome') {
    const { outcome } = response;
    return outcome.status === 'done'
      ? { kind: 'done', output: outcome.output }
      : { kind: 'failed', error: outcome.error, retryable: isRetryable(outcome.error) };
  }
  if (response.kind !== 'failed') throw new Error(`a worker answered a task with ${response.kind}`);
  return { kind: 'failed', error: response.error, retryable: true };
}

function workerRequest(runnable: Runnable, input: Json, { key, attempt }: AgentContext): WorkerRequest {
  if (runnable.kind === 'logic')
    return { kind: 'promise', machine: runnable.machine, src: runnable.src, input };
  const { config } = runnable;
  if (!('module' in config)) throw new TypeError('an agent without a module runs in process');
  return { kind: 'agent', module: String(config.module), export: config.export, input, key, attempt };
}

async function runInProcess(
  of: string,
  run: IoAgent['run'],
  input: Json,
  context: AgentContext,
  timeoutMs: number,
): Promise<Attempt> {
  const onTimeout = (): Error =>
    new QuorateError('AGENT_TIMEOUT', `${of} gave no answer within ${timeoutMs} ms`);
  const { signal, aborted, release } = limitSignal({ sources: [context.signal], timeoutMs, onTimeout });
  try {
    const output = await Promise.race([run(input, { ...context, signal }), aborted]);
    return { kind: 'done', output: checkJson(output, { of, path: 'output', code: 'OUTPUT_INVALID' }) };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'TASK_FAILED');
    const isFinal = (thrown as { retryable?: unknown } | null | undefined)?.retryable === false;
    return { kind: 'failed', error, retryable: !isFinal && isRetryable(error) };
  } finally {
    release();
  }
}

/** What is no JSON once is no JSON the next time either, and was paid for. */
function isRetryable({ code, data }: ErrorJson): boolean {
  return (
    code !== 'OUTPUT_INVALID' && (data as { readonly retryable?: unknown } | undefined)?.retryable !== false
  );
}
