// A tool of a model that is an actor: it is started, and its output is what the tool answers. Its id follows from the key of the task
// and from what the model asked for, so an attempt that comes again finds the actor of the one before it and starts no second one.
import { createHash } from 'node:crypto';
import type * as Ai from 'ai';
import type { QuorateClient, StartOptions } from '../contract/client.ts';
import type { AgentContext } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';

/** What an actor tool needs of a client. */
export type ActorToolClient = Pick<QuorateClient, 'run' | 'cancel'>;

/** What an `actorTool` is made of. */
export interface ActorToolOptions<I> {
  /** The machine type of the actor. */
  readonly type: string;
  /** For the model: what it does, and when to use it. */
  readonly description: string;
  /** Of what the model gives it: any schema that the `ai` package takes. */
  readonly inputSchema: Ai.FlexibleSchema<I>;
  /** A client, or what gives one: of a runtime, or of `connect`. It is asked with each call. */
  readonly client: ActorToolClient | (() => ActorToolClient | Promise<ActorToolClient>);
  /** The input of the actor; default what the model gives. */
  readonly toInput?: (input: I, context: AgentContext) => Json;
  /** Bounds, a budget, a tenant: as of `client.start`. */
  readonly start?: Omit<StartOptions<Json>, 'id' | 'input' | 'signal' | 'timeoutMs'>;
}

const RUN = Symbol('quorate.actorTool');

interface ActorTool {
  readonly [RUN]: (input: unknown, place: Place) => Promise<Json>;
}

interface Place {
  readonly context: AgentContext;
  readonly signal: AbortSignal | undefined;
  /** How often the model has asked this tool for the same in this attempt. */
  readonly nth: number;
}

/**
 * A tool of a `modelAgent` that starts an actor and waits for its output. The actor is cancelled with the task; an attempt that only
 * failed, or was too slow, leaves it to the next one.
 *
 * @returns A tool, for `tools` of `modelAgent`.
 * @example
 * ```ts
 * const search = actorTool({ type: 'search', description: 'Searches the archive.', inputSchema: query, client: () => runtime.client });
 * ```
 */
export function actorTool<I = Json>(options: ActorToolOptions<I>): Ai.Tool<I, Json> {
  const { description, inputSchema } = options;
  const tool = {
    description,
    inputSchema,
    execute: async (): Promise<Json> => {
      throw new QuorateError('INPUT_INVALID', 'an actorTool is a tool of a modelAgent, and of nothing else');
    },
    [RUN]: (input: I, place: Place) => runActor(options, input, place),
  };
  return tool;
}

/** For one attempt: its actor tools know whose they are. */
export function bindTools(tools: Ai.ToolSet, context: AgentContext): Ai.ToolSet {
  const asked = new Map<string, number>();
  const bind = (name: string, tool: Ai.Tool): Ai.Tool => {
    const { [RUN]: run } = tool as unknown as Partial<ActorTool>;
    if (run === undefined) return tool;
    const execute = (
      input: unknown,
      { abortSignal: signal }: Ai.ToolExecutionOptions<never>,
    ): Promise<Json> => {
      const what = JSON.stringify([name, input]);
      const nth = asked.get(what) ?? 0;
      asked.set(what, nth + 1);
      return run(input, { context, signal, nth });
    };
    return { ...tool, execute } as Ai.Tool;
  };
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, bind(name, tool as Ai.Tool)]));
}

async function runActor<I>(
  { type, client: given, toInput, start }: ActorToolOptions<I>,
  asked: I,
  { context, signal = context.signal, nth }: Place,
): Promise<Json> {
  const client = typeof given === 'function' ? await given() : given;
  const input = toInput === undefined ? (asked as Json) : toInput(asked, context);
  const id = idOf(context.key, type, input, nth);
  const timeoutMs = Math.max(1, Math.ceil(context.deadlineAt - Date.now()));
  try {
    return (await client.run(type, { ...start, id, input, signal, timeoutMs })) as Json;
  } catch (thrown) {
    // Of an attempt that only failed the next one finds it; nobody comes for that of a task that is cancelled.
    if (isCancelled(context.signal)) await client.cancel(type, id).catch(() => {});
    throw thrown;
  }
}

function idOf(key: string, type: string, input: Json, nth: number): string {
  const hash = createHash('sha256').update(JSON.stringify([key, type, input, nth]));
  return `tool-${hash.digest('hex').slice(0, 40)}`;
}

function isCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof QuorateError && reason.code === 'TASK_CANCELLED';
}
