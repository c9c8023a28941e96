// Every code Quorate raises: one table, tested against docs/errors.md in both directions.

import type { Json, JsonObject } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import { toPlain } from './plain.ts';

/** code -> what to do about it. The message of an error says what happened; this says what to do. */
export const ERROR_HINTS = {
  ABORTED: 'The caller withdrew the request, or closed the client: nothing has to be done.',
  ACTION_POISONED:
    'Look for what ends its thread or its host (process.exit, memory, an endless loop); then redrive the dead letter.',
  ACTOR_NOT_FOUND:
    'Start the actor first, or send with `start`; ended actors are remembered for the retention time only.',
  ACTOR_ENDED:
    'Start another one under a new id; under the same id when the retention time is over, or after `quorate actors purge`.',
  ACTOR_ID_INVALID:
    'Use 1 to 128 characters for an actor id, without line breaks or other control characters.',
  ACTOR_STOPPED: 'The actor was stopped before it ended; start another one under a new id.',
  ACTOR_QUARANTINED: 'Fix what the message names, then `quorate actors release`; its messages wait in order.',
  AGENT_NOT_FOUND:
    'Add the agent to `agents` in the configuration, or implement it in the machine with `fromPromise`.',
  AGENT_TIMEOUT: 'Raise the `timeoutMs` of the agent, or make it faster.',
  BROKER_DATA_IN_USE: 'Another process owns this data folder; stop it, or let Quorate join it.',
  BROKER_DATA_UNREADABLE:
    'What is in the file is damaged or none of ours: restore a copy. Only if nothing in it is needed, `quorate reset` starts afresh.',
  BROKER_DATA_UNWRITABLE:
    'Make room on the disk, or correct the permissions or what has the name of that file; stored data is untouched.',
  BROKER_CLOCK_REAL: "Start the broker with --virtual-time; in code with clock: 'virtual'.",
  BROKER_CLOCK_VIRTUAL:
    'Test machines on virtual time with quorate/testing, or give createRuntime the clock of the broker; or start the broker without --virtual-time.',
  BROKER_NOT_CONTROLLED: 'Start the broker with --control, and name its data folder with --data.',
  BROKER_NOT_QUIET:
    'Settle, abandon or close what the message names, or advance with more patience; then advance again.',
  BROKER_PORT_IN_USE:
    'Choose another port with --port or `port` of the configuration, or stop the process that listens there.',
  CONFIG_INVALID: 'Correct what the message names: a field, a variable or a file.',
  CONFIG_NOT_FOUND: 'Pass an existing file with --config.',
  CONNECTION_FAILED: 'Check the address and the network; the message names the endpoint.',
  DATA_UNWRITABLE:
    'Make room on the disk, or give this process the right to write there, or name another folder with `data`; stored data is untouched.',
  DEADLINE_EXCEEDED:
    'The asker stopped waiting: raise `deadlineMs`, or look for why the agent was slow, and whether a host runs it.',
  DISK_FAILED:
    'Look at the disk and its mount (`dmesg`); nothing says that the data is damaged: start again once it answers, and reset nothing.',
  EFFECT_TOO_LARGE:
    'Split the value; of events for subscribers and of what all branches share only a reference can be large.',
  EVENT_RESERVED:
    'Events that start with "xstate." or "quorate." are made by Quorate alone; choose another type.',
  EXPLORE_DIVERGED:
    'The message names the fault and where it struck; make the effect idempotent by its key, or leave out a fault that the scenario cannot bear.',
  EXPLORE_TIMEOUT:
    'Look for what waits for ever in the scenario; on a slow machine raise timeoutMs, or lower parallel.',
  EXPLORE_UNSTABLE:
    'Make the scenario end the same each time before it is explored: no real time, no randomness.',
  FILES_EXHAUSTED:
    'Give the process more file handles (`ulimit -n`, LimitNOFILE= of systemd), or close what holds them; stored data is untouched.',
  GATHER_FAILED: 'Fewer branches answered well than the policy needs; the error data says which failed.',
  IMPURE_TURN:
    'Move clock, randomness and I/O out of the machine into an agent, or use the values the turn gives.',
  INPUT_INVALID:
    'Correct what the message names; inputs and events are plain JSON, and it says the path of what is not.',
  INTERNAL: 'This is a bug; run again with --verbose and report what it prints.',
  MACHINE_LOOPS:
    'Give the eventless transition or the self-sent event a guard that ends it; a long loop that ends may say so in options.maxIterations.',
  MACHINE_NOT_DURABLE:
    'Write it as the message says: named actions, spawnChild or invoke, registered agents.',
  MACHINE_NOT_FOUND:
    'Use a type that is registered under `machines`, or register it there; its queue is made when a host of it starts.',
  MACHINE_THREW:
    'Correct the guard, action or assign that threw what the message says; an event that is a dead letter can then be redriven.',
  MIGRATION_FAILED: 'Correct the `migrate` export of the machine, then `quorate actors release`.',
  MODULE_NOT_LOADED:
    'Correct what the message names: the path or the export in the configuration, or the module itself.',
  NODE_TOO_OLD: 'Install Node 24 or newer.',
  NOT_BUILT: 'Run `npm run build`.',
  OUTPUT_INVALID:
    'Return plain JSON: the message names the path of what is not; keep dates as text, and maps as objects.',
  OFFER_EXPIRED: 'The offer lapsed before it was taken; ask again or give offers a longer time to live.',
  PACKAGE_MISSING: 'Install the package that the message names; it is optional, and this needs it.',
  PAYLOAD_NOT_FOUND:
    'Payloads last as long as their actors: pass on what is in them, not their references, to an actor that lives longer. One that is not signed was forged, or its sender has another payload store or an earlier build.',
  PAYLOAD_UNREADABLE:
    'Configure the codec that the message names under `payloadCodecs`, with the key that it had; then redrive, or release the actor.',
  PRODUCTION_NEEDS_NAMESPACE:
    "Set QUORATE_NAMESPACE or QUORATE_CONNECTION_STRING, or configure broker: 'embedded'.",
  QUOTA_EXCEEDED:
    'What the message names is full: receive or purge messages, make room on the disk, end a watch, or raise the limit.',
  RESULTS_UNREADABLE:
    'Move the file that the message names out of the way: tasks whose results were in it are done again.',
  RESULT_TIMEOUT: 'The actor is still running, or no host of its type is: ask again, or wait longer.',
  RETRY_AFTER_DEADLINE:
    'The provider asked to wait longer than the task may take: raise `deadlineMs`, ask for less at once, or raise the limit there. `data.failure` says how long.',
  RUN_FAILED: 'Look into the module of --run; --verbose prints the stack of what it threw.',
  START_CONFLICT:
    'Take another id for another input; `result` gives what the first input led to, and `start` tells no inputs apart.',
  STATE_INCOMPATIBLE:
    'Register the version that wrote the state under `versions`, or give the machine a `migrate` that says what it has `renamed` or `dropped`; then `quorate actors release`.',
  STATE_TOO_LARGE: 'Keep large values in files or stores of your own and their names in the context.',
  TASK_CANCELLED: 'Nobody waits for the answer any more: end what was begun. Nothing else has to be done.',
  TASK_FAILED:
    'The message is what the last attempt failed with, `data.attempts` how many there were: correct the agent, then redrive the dead letter.',
  TOPOLOGY_MISMATCH: 'Create or correct the entities that the message names, and start again.',
  TURN_POISONED:
    'Correct what the message says happened on every attempt; then redrive the dead letter, or release the actor.',
  TURN_TIMEOUT: 'A turn ran longer than allowed; look for an endless loop in a guard or assign.',
  UNAUTHORIZED: 'Check the key or the role assignment; the message names the endpoint.',
  WORKER_DIED:
    'A worker thread ended: look for process.exit, memory use or native code; the message says how it ended.',
  USAGE: 'See --help.',
} as const;

/** Every code of a `QuorateError`; docs/errors.md says what each means. */
export type ErrorCode = keyof typeof ERROR_HINTS;

/** The one error class of Quorate: known by its `code`, also after crossing a thread or the wire. */
export class QuorateError extends Error {
  override readonly name = 'QuorateError';
  readonly code: ErrorCode;
  readonly data: Json | undefined;

  constructor(code: ErrorCode, message: string, options: { data?: Json; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
  }

  get hint(): string {
    return ERROR_HINTS[this.code];
  }
}

/** I2: a send that did not begin in time. Its outbox is read anew before anything of it is sent. */
export function tooLate(): QuorateError {
  return new QuorateError(
    'ABORTED',
    'not sent: its commit is older than half the duplicate window, so it is looked at anew first',
  );
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_HINTS, code);
}

/**
 * Anything thrown, as data. A user's own `code` is kept, a number as text (an MCP error's -32602); without one it is
 * `fallback`. Its `data` is made plain.
 */
export function toErrorJson(thrown: unknown, fallback: string): ErrorJson {
  if (typeof thrown !== 'object' || thrown === null || !('message' in thrown)) {
    const text = typeof thrown === 'string' ? thrown : JSON.stringify(toPlain(thrown));
    return { code: fallback, message: thrown === undefined ? 'undefined was thrown' : text };
  }
  const { message, name, data } = thrown as { message: unknown; name?: unknown; data?: unknown };
  return {
    code: ownCode(thrown) ?? fallback,
    message: typeof message === 'string' ? message : JSON.stringify(toPlain(message)),
    // The class of our own says nothing that the code does not.
    ...(typeof name === 'string' && !(thrown instanceof QuorateError) ? { name } : {}),
    ...(data === undefined ? {} : { data: toPlain(data) }),
  };
}

function ownCode(thrown: object): string | undefined {
  const { code } = thrown as { code?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  // The numbers of DOMException are older than its names, and 0 for most.
  return typeof code === 'number' && !(thrown instanceof DOMException) ? String(code) : undefined;
}

/** Facts beside what the error carries already. */
export function withData(error: ErrorJson, more: JsonObject): ErrorJson {
  return { ...error, data: { ...recordOf(error.data), ...more } };
}

function recordOf(data: Json | undefined): JsonObject {
  if (data === undefined) return {};
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as JsonObject) : { data };
}

/** The other way round: an error that travelled as data, as something to throw. */
export function fromErrorJson(error: ErrorJson): Error {
  if (isErrorCode(error.code)) {
    return new QuorateError(error.code, error.message, error.data === undefined ? {} : { data: error.data });
  }
  const { code, name = 'Error', data } = error;
  return Object.assign(new Error(error.message), { code, name, ...(data === undefined ? {} : { data }) });
}
