// The entry of every worker thread. Machines are loaded here and nowhere else; the main thread only ever sees data.
import { performance } from 'node:perf_hooks';
import { env } from 'node:process';
import { isMainThread, threadId } from 'node:worker_threads';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { MachineRef, TurnRequest } from '../../contract/turn.ts';
import {
  type MachineDescription,
  SDK_HELD_BACK,
  type WorkerRequest,
  type WorkerResponse,
} from '../../contract/worker.ts';
import { describeMachine } from '../core/describe.ts';
import { runTurns } from '../core/run-turns.ts';
import {
  exportsOf,
  hasFailedImport,
  knownMachine,
  loadMachine,
  machineFault,
  migrate,
} from './load-machine.ts';
import { installPurityGuard, runGuarded } from './purity.ts';
import { runAction, runAgent, runPromise } from './run-logic.ts';

if (isMainThread)
  throw new Error('the worker entry runs in worker threads only: turns never block the main thread');
giveBackSdkVariable();
installPurityGuard();

/** What `--import` named has run. */
function giveBackSdkVariable(): void {
  const { [SDK_HELD_BACK]: given } = env;
  if (given === undefined) return;
  delete env[SDK_HELD_BACK];
  if (given === '') delete env['OTEL_SDK_DISABLED'];
  else env['OTEL_SDK_DISABLED'] = given;
}

/** Answers once the thread has loaded everything that it needs. */
export function ready(): number {
  return threadId;
}

/** A thread that cannot import something is replaced, but not again and again within this time. */
const LEAST_LIFE_MS = 1_000;

/** One request is one Piscina task. Never rejects: what fails is said in the response, or by the end of the thread. */
export async function serve(request: WorkerRequest): Promise<WorkerResponse> {
  try {
    return await answer(request);
  } catch (thrown) {
    const error = toErrorJson(thrown, 'MODULE_NOT_LOADED');
    if (error.code === 'MODULE_NOT_LOADED' && hasFailedImport() && performance.now() > LEAST_LIFE_MS)
      return endThread(error);
    return { kind: 'failed', error };
  }
}

/** Ends the thread after this request: another one imports afresh. The pool makes an answer of what is thrown. */
function endThread({ code, message }: ErrorJson): Promise<never> {
  setImmediate(() => {
    throw Object.assign(new Error(message), { code });
  });
  return new Promise(() => {});
}

async function answer(request: WorkerRequest): Promise<WorkerResponse> {
  switch (request.kind) {
    case 'turn':
    case 'rehearsal':
      return runTurn(request.request);
    case 'turns': {
      const startedAt = performance.now();
      const responses: WorkerResponse[] = [];
      for (const one of request.requests) responses.push(await serve({ kind: 'turn', request: one }));
      return { kind: 'turns', responses, tookMs: performance.now() - startedAt };
    }
    case 'describe':
      return { kind: 'described', description: await describe(request.machine) };
    case 'migrate':
      return { kind: 'migrated', ...(await migrate(request)) };
    case 'action':
      return toResponse(await runAction(request));
    case 'promise':
      return toResponse(await runPromise(request));
    case 'agent':
      return toResponse(await runAgent(request));
  }
}

async function describe(ref: MachineRef): Promise<MachineDescription> {
  const machine = await loadMachine(ref);
  try {
    return describeMachine(machine, ref, exportsOf(ref.module));
  } catch (thrown) {
    throw thrown instanceof QuorateError ? thrown : machineFault(thrown, ref);
  }
}

async function runTurn(turns: TurnRequest): Promise<WorkerResponse> {
  const machine = knownMachine(turns.machine) ?? (await loadMachine(turns.machine));
  const result = runGuarded(turns, (hooks) =>
    runTurns(machine, turns, hooks, exportsOf(turns.machine.module)),
  );
  return { kind: 'turn', result: { ...result, threadId } };
}

function toResponse(outcome: Outcome): WorkerResponse {
  return { kind: 'outcome', outcome, threadId };
}
