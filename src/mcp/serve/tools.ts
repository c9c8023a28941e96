// The tools by which machines are used over MCP: a `start_<type>` for each, with the schema of its input, then one each to follow,
// look, send, answer and cancel. What they do needs a client of Quorate alone; no SDK of MCP is known here.
import { randomUUID } from 'node:crypto';
import type { OpenAsk } from '../../contract/asks.ts';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { EventJson, Json, JsonObject } from '../../contract/json.ts';
import { type Address, follow, lookAt, type Served, showAsk } from './follow.ts';
import { formOf } from './forms.ts';
import type { ServedMachine } from './machines.ts';

/** One call of a tool, as its transport knows it. */
export interface Call {
  readonly signal: AbortSignal;
  /** Of a caller that repeats itself: `_meta['quorate/idempotency-key']`. */
  readonly key: string | undefined;
  /** Who calls, for the log. */
  readonly by: string;
  /** The client shows questions to a person itself. */
  readonly canAsk: boolean;
  /** What a person said to those that this call has shown, by their ids; null: nothing. */
  readonly answers: ReadonlyMap<string, JsonObject | null>;
  readonly tell: (message: string) => void;
}

export type ToolAnswer =
  | { readonly kind: 'done'; readonly value: JsonObject }
  /** Ask a person these, and call again with the answers. */
  | { readonly kind: 'ask'; readonly asks: readonly OpenAsk[] };

export interface ServedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
  };
  readonly run: (args: JsonObject, call: Call) => Promise<ToolAnswer>;
}

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };
const ADDS = { readOnlyHint: false, destructiveHint: false, idempotentHint: false };
/** Below the minute after which clients stop waiting for what says nothing. */
const DEFAULT_WAIT_S = 50;
const MAX_WAIT_S = 3_600;

export function createTools(machines: readonly ServedMachine[], client: Served): readonly ServedTool[] {
  const type = { type: 'string', enum: machines.map((machine) => machine.type), description: 'Machine type' };
  const id = { type: 'string', minLength: 1, maxLength: 128, description: 'Name of the run' };
  const object = (properties: JsonObject, required: readonly string[]): JsonObject => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  });
  const run = { type, id };
  const ofRun = (more: JsonObject = {}, required: readonly string[] = []): JsonObject =>
    object({ ...run, ...more }, ['type', 'id', ...required]);
  return [
    ...machines.map((machine) => startTool(machine, client, object, id)),
    {
      name: 'result',
      description:
        'Follow a run to its end and give its output. Tells how far it is meanwhile. A run that takes longer is shown as it is then: call again. One that waits for a person shows its questions.',
      inputSchema: ofRun({
        waitSeconds: {
          type: 'number',
          minimum: 0,
          maximum: MAX_WAIT_S,
          description: `How long to wait at most; default ${DEFAULT_WAIT_S}`,
        },
      }),
      annotations: READS,
      run: (args, call) => result(client, args, call),
    },
    {
      name: 'status',
      description:
        'What a run does now: its state, how far its parallel work is, its open questions, its output or error.',
      inputSchema: ofRun({ context: { type: 'boolean', description: 'With all that it remembers' } }),
      annotations: READS,
      run: async (args, { signal }) =>
        done((await lookAt(client, addressOf(args), signal, args['context'] === true)).shown),
    },
    {
      name: 'send',
      description: `Send an event to a run.${eventsOf(machines)}`,
      inputSchema: ofRun(
        {
          event: {
            type: 'object',
            properties: { type: { type: 'string', minLength: 1 } },
            required: ['type'],
            description: 'The event: its type and what belongs to it',
          },
          key: {
            type: 'string',
            minLength: 1,
            maxLength: 1_024,
            description: 'The same key again is the same event',
          },
        },
        ['event'],
      ),
      annotations: ADDS,
      run: (args, call) => send(client, args, call),
    },
    {
      name: 'questions',
      description: 'Questions of runs that wait for a person, the oldest first.',
      inputSchema: object({ type, after: { type: 'string', description: 'Where a page before ended' } }, []),
      annotations: READS,
      run: async ({ type: only, after }, { signal }) => {
        const page = await client.asks({
          signal,
          ...(typeof only === 'string' ? { type: only } : {}),
          ...(typeof after === 'string' ? { after } : {}),
        });
        const { open, next, unlisted } = page;
        return done({ questions: open.map(showAsk), unlisted, ...(next === undefined ? {} : { next }) });
      },
    },
    {
      name: 'answer',
      description:
        'Answer a question of a run with what the person said. The first answer counts. Never answer for the person.',
      inputSchema: object(
        {
          question: {
            type: 'string',
            minLength: 1,
            description: 'Its id, as `questions`, `status` and `result` show it',
          },
          answer: { description: 'As its schema says: a text, one of its choices, or an object' },
          by: { type: 'string', maxLength: 128, description: 'Who answered' },
        },
        ['question', 'answer'],
      ),
      annotations: ADDS,
      run: async ({ question, answer, by }, call) => {
        const { signal } = call;
        await client.answer(textOf(question), answer ?? null, {
          signal,
          by: typeof by === 'string' ? by : call.by,
        });
        return done({ question: textOf(question), answered: true });
      },
    },
    {
      name: 'cancel',
      description: 'Stop a run, with all that it has started.',
      inputSchema: ofRun(),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
      run: async (args, { signal }) => {
        const { type: of, id: name } = addressOf(args);
        return done({ type: of, id: name, answer: await client.cancel(of, name, { signal }) });
      },
    },
  ];
}

function startTool(
  { type, description, input }: ServedMachine,
  client: Served,
  object: (properties: JsonObject, required: readonly string[]) => JsonObject,
  id: JsonObject,
): ServedTool {
  return {
    name: `start_${type}`,
    description: `${description ?? `Start a run of '${type}'`}. It answers at once with the id of the run; \`result\` follows it.`,
    inputSchema: object(
      {
        key: {
          ...id,
          description:
            'Name of the run. The same again is the same run, and starts nothing. Default: a new one',
        },
        input: input ?? { description: 'What it is started with, as JSON' },
      },
      input === undefined ? [] : ['input'],
    ),
    annotations: { ...ADDS, idempotentHint: true },
    run: async ({ key, input: given }, call) => {
      const name = typeof key === 'string' ? key : (call.key ?? randomUUID());
      const { address, answer } = await client.start(type, {
        id: name,
        signal: call.signal,
        ...(given === undefined ? {} : { input: given }),
      } as never);
      return done({ type, id: address.id, answer });
    },
  };
}

async function result(client: Served, args: JsonObject, call: Call): Promise<ToolAnswer> {
  const address = addressOf(args);
  const { signal, answers, by, canAsk, tell } = call;
  for (const [id, content] of answers)
    if (content !== null) await answerBy(client, id, content, by, address, signal);
  const { waitSeconds = DEFAULT_WAIT_S } = args;
  const before = await lookAt(client, address, signal);
  const isSettled = before.shown['status'] !== 'active' || before.asks.length > 0;
  if (!isSettled) await follow(client, address, { signal, waitMs: Number(waitSeconds) * 1_000, tell });
  const { shown, asks } = isSettled ? before : await lookAt(client, address, signal);
  // Those that a person has been shown in this call, and left, are for another time.
  const unseen = asks.filter((one) => !answers.has(one.id) && formOf(one) !== undefined);
  return canAsk && unseen.length > 0 ? { kind: 'ask', asks: unseen } : done(shown);
}

/** A question that somebody else has answered meanwhile is none any more. */
async function answerBy(
  client: Served,
  id: string,
  content: JsonObject,
  by: string,
  address: Address,
  signal: AbortSignal,
): Promise<void> {
  const { asks } = await lookAt(client, address, signal);
  const ask = asks.find((one) => one.id === id);
  const form = ask === undefined ? undefined : formOf(ask);
  if (form === undefined) return;
  try {
    await client.answer(id, form.read(content), { by, signal });
  } catch (thrown) {
    if (toErrorJson(thrown, 'INTERNAL').code !== 'ASK_CLOSED') throw thrown;
  }
}

async function send(client: Served, args: JsonObject, { signal, key: called }: Call): Promise<ToolAnswer> {
  const { type, id } = addressOf(args);
  const key = typeof args['key'] === 'string' ? args['key'] : called;
  // An event for nobody becomes a dead letter: whoever sends it here is to be told.
  const { status } = await client.query(type, id, { signal });
  if (status !== 'active') throw new QuorateError('ACTOR_ENDED', `${type}/${id} has ended: ${status}`);
  await client.send(type, id, eventOf(args), {
    signal,
    ...(key === undefined ? {} : { key }),
  });
  return done({ type, id, sent: true });
}

/** The schema has been checked: it has a type. */
function eventOf({ event }: JsonObject): EventJson {
  return event as EventJson;
}

function eventsOf(machines: readonly ServedMachine[]): string {
  const listed = machines.filter(({ events }) => events.length > 0);
  return listed.map(({ type, events }) => ` ${type}: ${events.join(', ')}.`).join('');
}

function addressOf({ type, id }: JsonObject): Address {
  return { type: textOf(type), id: textOf(id) };
}

/** The schema has been checked: it is one. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function done(value: Json): ToolAnswer {
  return { kind: 'done', value: value as JsonObject };
}
