// Every code that Quorate raises, in one table: its comment says what happened, its text what to do. docs/errors.md is made of it:
// `npx vitest run test/unit/project/errors.test.ts -u`.

import type { Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import { toPlain } from './plain.ts';

/** Code -> what to do about it. The message of an error says what happened in this case. */
export const ERROR_HINTS = {
  /** A call was given an `AbortSignal`, and it aborted before the answer came; or its client was closed. */
  ABORTED: 'The caller withdrew the request, or closed the client: nothing has to be done.',
  /** A named action of a machine ended its thread, ran into its time limit, or lost its host, on every attempt. */
  ACTION_POISONED:
    'Look for what ends its thread or its host (process.exit, memory, an endless loop); then redrive the dead letter.',
  /** An event, query or result was asked of an actor that was never started or is forgotten. An event waits among the dead letters. */
  ACTOR_NOT_FOUND:
    'Start the actor first, or send with `start`; ended actors are remembered for the retention time only.',
  /** An event came for an actor that had ended; it waits among the dead letters. */
  ACTOR_ENDED:
    'Start another one under a new id; under the same id when the retention time is over, or after `quorate actors purge`.',
  /** An actor id is not a text, is empty, is longer than a Service Bus session id may be, or holds a control character. */
  ACTOR_ID_INVALID:
    'Use 1 to 128 characters for an actor id, without line breaks or other control characters.',
  /** Somebody waited for the result of an actor that its parent or a client has stopped. */
  ACTOR_STOPPED: 'The actor was stopped before it ended; start another one under a new id.',
  /** More messages came for a quarantined actor than wait for it; this one was set aside. */
  ACTOR_QUARANTINED: 'Fix what the message names, then `quorate actors release`; its messages wait in order.',
  /** A machine invokes a name that is neither an agent nor a machine, or a task names an agent that this host does not run. */
  AGENT_NOT_FOUND:
    'Add the agent to `agents` in the configuration, or implement it in the machine with `fromPromise`.',
  /** One attempt of an agent took longer than its `timeoutMs`. */
  AGENT_TIMEOUT: 'Raise the `timeoutMs` of the agent, or make it faster.',
  /** An answer to a question is not what its choices or its schema ask for, or the machine takes no notice of it. */
  ANSWER_INVALID:
    'Answer with what the message asks for; `quorate asks show` has the question with its schema.',
  /** An answer says an actor and no question, and several questions of that actor are open. */
  ASK_AMBIGUOUS: 'Answer by the id of the question: `quorate asks ls` has it, and the message names them.',
  /**
   * An answer came for a question that is not open: somebody was faster, its deadline answered it, or its state was
   * left. The message says which.
   */
  ASK_CLOSED: 'Nothing has to be done: the first answer counts. `quorate asks ls` shows what is open.',
  /** The `meta.ask` of a state is none that people can be asked, or its question could not be made of the context. */
  ASK_INVALID: 'Correct the `meta.ask` that the message names (docs/questions.md).',
  /**
   * Another process holds the data folder of the embedded broker, and its broker was not there to be joined
   * within ten seconds: it is ending or stands still. The message names it.
   */
  BROKER_DATA_IN_USE: 'Another process owns this data folder; stop it, or let Quorate join it.',
  /**
   * A task, or a branch of a scatter, was not begun: nothing is left of the budget of its run, and the budget says
   * `onExhausted: 'fail'`. Of a scatter `data` has the answers that are there.
   */
  BUDGET_EXHAUSTED:
    "Give the run a larger budget, or `onExhausted: 'wait'` and add to it with `client.topUp`.",
  /** A run was started with a budget that no one can keep: a limit that is no number, or USD for agents whose `model` has no price. */
  BUDGET_INVALID:
    'Give whole numbers of tokens and USD from 0 on, and a price in `prices` for every `model` of an agent.',
  /** The budget of a tenant was looked at or changed that no run has drawn on. */
  BUDGET_NOT_FOUND:
    'Use a tenant of `budgets` of the configuration, once a run was started on its behalf: its first work draws.',
  /** The data file of the embedded broker is damaged, of a newer format, or a file of another program. */
  BROKER_DATA_UNREADABLE:
    'What is in the file is damaged or none of ours: restore a copy. Only if nothing in it is needed, `quorate reset` starts afresh.',
  /**
   * A file of the broker's data folder cannot be written, at its start or while it runs: no room, no right,
   * something else of that name (`broker.json`, `key`, `tls`), or a disk that has become read-only.
   */
  BROKER_DATA_UNWRITABLE:
    'Make room on the disk, or correct the permissions or what has the name of that file; stored data is untouched.',
  /** Somebody asked to skip time, and the broker runs on the real clock. */
  BROKER_CLOCK_REAL: "Start the broker with --virtual-time; in code with clock: 'virtual'.",
  /** A host that reads the clock of the machine was started on the data folder of a broker on virtual time. */
  BROKER_CLOCK_VIRTUAL:
    'Test machines on virtual time with quorate/testing, or give createRuntime the clock of the broker; or start the broker without --virtual-time.',
  /** No broker with a control side runs on this data folder. */
  BROKER_NOT_CONTROLLED: 'Start the broker with --control, and name its data folder with --data.',
  /** Virtual time was not skipped any further, because something that it set off is not done; the message names it. */
  BROKER_NOT_QUIET:
    'Settle, abandon or close what the message names, or advance with more patience; then advance again.',
  /** The port that the embedded broker was told to use is taken. */
  BROKER_PORT_IN_USE:
    'Choose another port with --port or `port` of the configuration, or stop the process that listens there.',
  /** The configuration does not load or does not fit its schema; every line of the message names one field or variable. */
  CONFIG_INVALID: 'Correct what the message names: a field, a variable or a file.',
  /** There is no file where the configuration was looked for. */
  CONFIG_NOT_FOUND: 'Pass an existing file with --config.',
  /** Service Bus, or the broker of another process, could not be reached. */
  CONNECTION_FAILED: 'Check the address and the network; the message names the endpoint.',
  /** Somebody at the console asked for what their role may not do, or another site's page made the request. */
  CONSOLE_FORBIDDEN:
    'Open the console with the address or the token of a role that may do it (docs/console.md).',
  /** The file of the console's index could not be opened, read or written; the message names it. Actors are not touched by it. */
  CONSOLE_INDEX_FAILED:
    'Look at the disk and the rights of the file that the message names. It may be removed: the index fills itself again.',
  /** A command asked for the index of a console, and no console has made one there yet. */
  CONSOLE_INDEX_MISSING:
    'Run `quorate start` or `quorate console` on this data folder once, or name a console with --console.',
  /** A request to the console had no token, or one that it does not know. */
  CONSOLE_TOKEN_NEEDED:
    'Open the address that `quorate start` or `quorate console` prints, or send the token as `Authorization: Bearer`.',
  /** A file or folder of `data` cannot be written: no room, no right, a disk that is read-only, or something else of that name. */
  DATA_UNWRITABLE:
    'Make room on the disk, or give this process the right to write there, or name another folder with `data`; stored data is untouched.',
  /** A task, scatter or child did not answer before its deadline. */
  DEADLINE_EXCEEDED:
    'The asker stopped waiting: raise `deadlineMs`, or look for why the agent was slow, and whether a host runs it.',
  /** The system could not read or write a file of `data`: an input/output error of the disk. */
  DISK_FAILED:
    'Look at the disk and its mount (`dmesg`); nothing says that the data is damaged: start again once it answers, and reset nothing.',
  /** A turn or an agent wanted to send more than the payload store takes, or something large that cannot go there. */
  EFFECT_TOO_LARGE:
    'Split the value; of events for subscribers and of what all branches share only a reference can be large.',
  /**
   * An event has a type that begins with `xstate.` or `quorate.`. Quorate's client refuses it at once with
   * `INPUT_INVALID`; this is of another sender.
   */
  EVENT_RESERVED:
    'Events that start with "xstate." or "quorate." are made by Quorate alone; choose another type.',
  /** A run with a fault came to another end than the runs without. */
  EXPLORE_DIVERGED:
    'The message names the fault and where it struck; make the effect idempotent by its key, or leave out a fault that the scenario cannot bear.',
  /** A run was not over in time, and the second time it had the machine to itself. */
  EXPLORE_TIMEOUT:
    'Look for what waits for ever in the scenario; on a slow machine raise timeoutMs, or lower parallel.',
  /** A scenario fails without any fault, or ends differently each time. */
  EXPLORE_UNSTABLE:
    'Make the scenario end the same each time before it is explored: no real time, no randomness.',
  /** The process, or the system, has no file handle left for a file, a socket or a thread. */
  FILES_EXHAUSTED:
    'Give the process more file handles (`ulimit -n`, LimitNOFILE= of systemd), or close what holds them; stored data is untouched.',
  /** A gather can no longer reach what its policy asks for. */
  GATHER_FAILED: 'Fewer branches answered well than the policy needs; the error data says which failed.',
  /** A machine used fetch, a timer or the file system inside a turn. */
  IMPURE_TURN:
    'Move clock, randomness and I/O out of the machine into an agent, or use the values the turn gives.',
  /**
   * An input, event, option of a call or message does not fit its schema, or holds what JSON would lose or
   * change: a `Map`, a `Date`, `NaN`, a function.
   */
  INPUT_INVALID:
    'Correct what the message names; inputs and events are plain JSON, and it says the path of what is not.',
  /** Quorate failed in a way that it does not handle. */
  INTERNAL: 'This is a bug; run again with --verbose and report what it prints.',
  /** A limit was looked at or changed that no process has asked for. */
  LIMIT_NOT_FOUND:
    'Use a name that `quorate limits ls` shows: a limit is there once a host with an agent that names it has worked.',
  /** A task whose limit has `onOpen: 'fail'` came while the calls of that limit fail, and its breaker was open. */
  LIMIT_OPEN:
    'What the limit stands for fails, or its account needs a person: see the errors of its agents, then start the work again. `quorate limits` shows it.',
  /** A machine took eventless transitions, or sent itself events, without end. */
  MACHINE_LOOPS:
    'Give the eventless transition or the self-sent event a guard that ends it; a long loop that ends may say so in options.maxIterations.',
  /**
   * A machine holds something that cannot be kept or sent, such as an inline action (refused at registration) or
   * a `Date` in its context (refused when it appears): [machines.md](machines.md).
   */
  MACHINE_NOT_DURABLE:
    'Write it as the message says: named actions, spawnChild or invoke, registered agents.',
  /** A machine type is not in the configuration, or no host has made a queue for it here. */
  MACHINE_NOT_FOUND:
    'Use a type that is registered under `machines`, or register it there; its queue is made when a host of it starts.',
  /** A guard, action or assign of a machine threw. */
  MACHINE_THREW:
    'Correct the guard, action or assign that threw what the message says; an event that is a dead letter can then be redriven.',
  /**
   * A tool of an MCP server was not called, or its answer is not what it promises: there is no such tool, its arguments are
   * refused, or the answer does not fit the tool's own output schema.
   */
  MCP_CALL_REFUSED: 'Correct the name or the arguments of the tool as the message says, or the server.',
  /** An MCP server was lost, cut off or silent while a tool ran that says that a second call does more than one. Perhaps it was done. */
  MCP_OUTCOME_UNKNOWN:
    'Look at what the tool acts on, then redrive the task or leave it; `repeatable: true` says that a second call does no harm.',
  /** An MCP server could not be started or reached, ended, hung, or refused the credentials that it was given. */
  MCP_SERVER_FAILED:
    'Run the command of the server by hand, or look at its log: the message has the last that it said.',
  /** A tool of an MCP server answered that it failed. */
  MCP_TOOL_FAILED: 'The message is what the tool says: correct the input, or look at the server.',
  /** A machine's own `migrate` threw or gave no snapshot; the actor is quarantined. */
  MIGRATION_FAILED: 'Correct the `migrate` export of the machine, then `quorate actors release`.',
  /** A module of a machine, of an agent or of `--run` cannot be imported, lacks the export, or XState refuses the machine in it. */
  MODULE_NOT_LOADED:
    'Correct what the message names: the path or the export in the configuration, or the module itself.',
  /** The answer of a model was cut: the connection, an error within the stream, or an end without a reason. It counts as it was reserved. */
  MODEL_CUT: 'It is tried again by itself. If it is often so, look at proxies in between.',
  /** The provider filtered what a model answered, or the model refused. It was paid for, and is not tried again. */
  MODEL_FILTERED: 'Change the prompt or the content; the same call is filtered again.',
  /** The answer of a model reached `maxOutputTokens`, so its end is missing. It is not tried again. */
  MODEL_LENGTH: 'Raise `maxOutputTokens` of the modelAgent, or ask for less.',
  /** The answer of a model is no JSON, or does not fit the `output` schema of its agent. It was paid for. */
  MODEL_OUTPUT_INVALID:
    'It is tried again by itself. If it is often so, make the schema or the prompt clearer.',
  /** The provider of a model refused a call, or could not be reached; `data.failure` says which kind it is. */
  MODEL_REFUSED:
    'Look at the status and the word of the provider in the message. What can be tried again is.',
  /** A model gave no piece of its answer for longer than `firstChunkMs`, or `chunkMs` after the first one. It counts as it was reserved. */
  MODEL_SILENT:
    'It is tried again by itself. Raise `firstChunkMs` or `chunkMs` for models that think for long.',
  /** A model still asked for tools after `maxSteps` calls. */
  MODEL_STEPS: 'Raise `maxSteps` of the modelAgent, or give the model fewer or better tools.',
  /** The Node that runs Quorate is older than 24. */
  NODE_TOO_OLD: 'Install Node 24 or newer.',
  /** The package was checked out but not built. */
  NOT_BUILT: 'Run `npm run build`.',
  /** An agent was paused, resumed or a price changed, and no process follows what is ordered at run time. */
  NOT_FOLLOWED:
    'Set `atRunTime: true` in the configuration of every host and start them; the order can be given then.',
  /**
   * An agent, a machine or an `emit` gave something that JSON would lose or change: a `Map`, a `Date`, `NaN`, a
   * function. It is not tried again: the next answer would be paid and be the same.
   */
  OUTPUT_INVALID:
    'Return plain JSON: the message names the path of what is not; keep dates as text, and maps as objects.',
  /** The broker's time to live ended an offer before it was taken. */
  OFFER_EXPIRED: 'The offer lapsed before it was taken; ask again or give offers a longer time to live.',
  /**
   * An optional package is needed and is not installed: `quorate-broker` for the embedded broker, `quorate-otel`
   * for a trace file, `@azure/storage-blob` for `payloadContainer`, `@modelcontextprotocol/client` for tools of MCP servers,
   * `@modelcontextprotocol/server` for `quorate mcp`, or `ai` for agents that are models.
   */
  PACKAGE_MISSING: 'Install the package that the message names; it is optional, and this needs it.',
  /** A reference points to a stored value that is not there, or came in a message without a signature that counts. */
  PAYLOAD_NOT_FOUND:
    'Payloads last as long as their actors: pass on what is in them, not their references, to an actor that lives longer. One that is not signed was forged, or its sender has another payload store or an earlier build.',
  /** A stored value was packed by a codec that is not configured here, or does not unpack; or the key of the payload store is damaged. */
  PAYLOAD_UNREADABLE:
    'Configure the codec that the message names under `payloadCodecs`, with the key that it had; then redrive, or release the actor.',
  /** `NODE_ENV` is `production` and no Service Bus namespace is configured. */
  PRODUCTION_NEEDS_NAMESPACE:
    "Set QUORATE_NAMESPACE or QUORATE_CONNECTION_STRING, or configure broker: 'embedded'.",
  /**
   * An entity, or the store of the embedded broker, is full: the send was refused; what was accepted before is
   * kept. Or an actor has as many watchers as it takes.
   */
  QUOTA_EXCEEDED:
    'What the message names is full: receive or purge messages, make room on the disk, end a watch, or raise the limit.',
  /** The file of stored results (`results.db` of the data folder) is damaged, or a file of another program. */
  RESULTS_UNREADABLE:
    'Move the file that the message names out of the way: tasks whose results were in it are done again.',
  /** A client stopped waiting for an answer. */
  RESULT_TIMEOUT: 'The actor is still running, or no host of its type is: ask again, or wait longer.',
  /** An agent met a limit, and may be asked again only when the task's deadline is over. */
  RETRY_AFTER_DEADLINE:
    'The provider asked to wait longer than the task may take: raise `deadlineMs`, ask for less at once, or raise the limit there. `data.failure` says how long.',
  /** The module of `quorate start --run` threw an error without a code. */
  RUN_FAILED: 'Look into the module of --run; --verbose prints the stack of what it threw.',
  /** A start was refused, because tasks wait too long in the queues of agents. `data.retryAfterMs` says when to try again. */
  OVERLOADED:
    'Try again after `data.retryAfterMs`; more processes with that agent, or a higher `concurrency`, take more; `admission.maxWaitMs` says what is too long.',
  /** A run took longer than the `deadlineMs` that it was started with. */
  RUN_DEADLINE:
    'Start it with a longer `deadlineMs`, or bound its parts: agents and scatters have deadlines of their own.',
  /** An actor of a run with `noProgressMs` waited so long for its tasks, and nothing came. */
  RUN_STALLED:
    'Look at what hangs: `query` names the slowest branch; or start it with a longer `noProgressMs`.',
  /** An actor of a run with `maxDepth` started a child below the last level. */
  TOO_DEEP: 'Look at what starts children in children; or start the run with a larger `maxDepth`.',
  /** An actor of a run with `maxTasks` asked for more tasks than were left to it. */
  TOO_MANY_TASKS: 'Look at what asks for so many; or start the run with more `maxTasks`.',
  /** `run` was given the id of an actor that was started with another input. */
  START_CONFLICT:
    'Take another id for another input; `result` gives what the first input led to, and `start` tells no inputs apart.',
  /**
   * The actor's state names what its machine does not have any more, or a new version, with its `migrate` or
   * without one, would lose a running timer, invoke or child, which the message names; the actor is quarantined.
   */
  STATE_INCOMPATIBLE:
    'Register the version that wrote the state under `versions`, or give the machine a `migrate` that says what it has `renamed` or `dropped`; then `quorate actors release`.',
  /**
   * An actor's state, or the answers of a gather together, would be larger than the payload store takes; of a
   * gather the error data has the answers.
   */
  STATE_TOO_LARGE: 'Keep large values in files or stores of your own and their names in the context.',
  /** The reason of an agent's `context.signal`: its actor ended, was cancelled, left the state that asked, or its gather had enough. */
  TASK_CANCELLED: 'Nobody waits for the answer any more: end what was begun. Nothing else has to be done.',
  /** An agent failed on every attempt that its retry policy allows. Its dead letter waits for somebody unless its asker dealt with it. */
  TASK_FAILED:
    'The message is what the last attempt failed with, `data.attempts` how many there were: correct the agent, then redrive the dead letter.',
  /** Entities of the namespace are missing or set wrongly. */
  TOPOLOGY_MISMATCH: 'Create or correct the entities that the message names, and start again.',
  /** A message made its turn fail again and again and was put aside. */
  TURN_POISONED:
    'Correct what the message says happened on every attempt; then redrive the dead letter, or release the actor.',
  /** A turn ran longer than `turnTimeoutMs`, and its thread was stopped. */
  TURN_TIMEOUT: 'A turn ran longer than allowed; look for an endless loop in a guard or assign.',
  /** Service Bus refused the key or the identity. */
  UNAUTHORIZED: 'Check the key or the role assignment; the message names the endpoint.',
  /** The thread that ran a request ended before it answered. */
  WORKER_DIED:
    'A worker thread ended: look for process.exit, memory use or native code; the message says how it ended.',
  /** What an agent said of its use, or its `estimate`, cannot be read: it is left out, and nothing fails of it. Only logged. */
  USAGE_INVALID: 'Give `context.usage` whole numbers from 0 on, and leave out what is not known.',
  /** The command line was not understood. */
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

/** The other way round: an error that travelled as data, as something to throw. */
export function fromErrorJson(error: ErrorJson): Error {
  if (isErrorCode(error.code)) {
    return new QuorateError(error.code, error.message, error.data === undefined ? {} : { data: error.data });
  }
  const { code, name = 'Error', data } = error;
  return Object.assign(new Error(error.message), { code, name, ...(data === undefined ? {} : { data }) });
}
