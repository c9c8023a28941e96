// What a machine asks people: its `meta.ask`, checked when the machine is registered and read when a state is entered. Such a state
// gets an action at its entry and one at its exit, so XState itself says when a question opens and closes: re-entered states,
// parallel ones and history included (docs/questions.md).
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { faultOf, schemaFault } from '../../contract/answer-schema.ts';
import { ASK_BOUNDS, type Ask, DEFAULT_ANSWER, type OfContext, type Question } from '../../contract/asks.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { isJson } from '../../contract/loss.ts';

export const OPEN_ASK = 'quorate.ask.open';
export const CLOSE_ASK = 'quorate.ask.close';

function askOf(node: AnyStateNode): Ask | undefined {
  return (node.meta as { readonly ask?: Ask } | undefined)?.ask;
}

export function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...(Object.values(node.states) as AnyStateNode[]).flatMap(nodesOf)];
}

export function asksPeople(machine: AnyStateMachine): boolean {
  return nodesOf(machine.root).some((node) => askOf(node) !== undefined);
}

/** Changes its states: it is to be a copy that runs only here. */
export function announceQuestions(machine: AnyStateMachine): void {
  for (const node of nodesOf(machine.root)) {
    const ask = askOf(node);
    if (ask === undefined) continue;
    const state = pathOf(node);
    node.entry.push({
      type: OPEN_ASK,
      params: ({ context }: { readonly context: unknown }) => toQuestion(ask, context, state),
    });
    node.exit.push({ type: CLOSE_ASK, params: { state } });
  }
}

/** A question without its times. */
export interface Asked extends Omit<Question, 'openedAt' | 'deadlineAt'> {
  readonly deadlineMs?: number;
}

function toQuestion(ask: Ask, context: unknown, state: string): Asked {
  const of = <T>(given: OfContext<unknown, T>): T =>
    typeof given === 'function' ? (given as (given: { context: unknown }) => T)({ context }) : given;
  const question = of(ask.question);
  const choices = ask.choices === undefined ? undefined : of(ask.choices);
  const answer = ask.default === undefined ? undefined : of(ask.default);
  const fault = questionFault(question) ?? choicesFault(choices) ?? answerFault(answer, choices, ask.schema);
  if (fault !== undefined) throw new QuorateError('ASK_INVALID', `meta.ask of state '${state}': ${fault}`);
  const schema = shownSchema(ask.schema);
  return {
    state,
    question: cut(question),
    event: ask.event ?? DEFAULT_ANSWER,
    ...(choices === undefined ? {} : { choices: [...choices] }),
    ...(schema === undefined ? {} : { schema }),
    ...(answer === undefined ? {} : { default: answer }),
    ...(ask.deadlineMs === undefined ? {} : { deadlineMs: ask.deadlineMs }),
  };
}

function cut(text: string): string {
  const { questionLength: most } = ASK_BOUNDS;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`.toWellFormed();
}

function questionFault(question: unknown): string | undefined {
  return typeof question === 'string' && question.trim() !== '' ? undefined : 'question must be a text';
}

function choicesFault(choices: unknown): string | undefined {
  if (choices === undefined) return undefined;
  const { choices: most, choiceLength } = ASK_BOUNDS;
  if (!Array.isArray(choices) || choices.length === 0 || choices.length > most)
    return `choices must be a list of 1 to ${most} texts`;
  const isChoice = (choice: unknown): boolean =>
    typeof choice === 'string' && choice !== '' && choice.length <= choiceLength;
  if (!choices.every(isChoice)) return `each of choices must be a text of 1 to ${choiceLength} characters`;
  return new Set(choices).size === choices.length ? undefined : 'two of choices are the same';
}

function answerFault(
  answer: unknown,
  choices: readonly string[] | undefined,
  schema: Ask['schema'],
): string | undefined {
  if (answer === undefined) return undefined;
  if (!isJson(answer)) return 'default must be JSON';
  const checked = checkAnswer(answer, choices, schema);
  return 'fault' in checked ? `default: ${checked.fault}` : undefined;
}

export function isStandard(
  schema: NonNullable<Ask['schema']>,
): schema is Exclude<Ask['schema'], JsonObject | undefined> {
  return '~standard' in schema;
}

const shown = new WeakMap<object, JsonObject | undefined>();

/** As people see it. A Standard Schema says so itself, if it can. */
function shownSchema(schema: Ask['schema']): JsonObject | undefined {
  if (schema === undefined || !isStandard(schema)) return schema;
  if (shown.has(schema)) return shown.get(schema);
  const { jsonSchema } = schema['~standard'];
  const json = jsonSchema?.input({ target: 'draft-2020-12' });
  const plain = json === undefined ? undefined : (JSON.parse(JSON.stringify(json)) as JsonObject);
  shown.set(schema, plain);
  return plain;
}

type Checked = { readonly value: Json } | { readonly fault: string };

export function checkAnswer(
  value: Json,
  choices: readonly string[] | undefined,
  schema: Ask['schema'],
): Checked {
  if (JSON.stringify(value).length > ASK_BOUNDS.answerBytes)
    return { fault: `answer has more than ${ASK_BOUNDS.answerBytes} bytes as JSON` };
  if (schema !== undefined && isStandard(schema)) return checkStandard(value, schema);
  const form = schema ?? (choices === undefined ? TEXT : { type: 'string', enum: choices });
  const fault = faultOf(value, form);
  return fault === undefined ? { value } : { fault };
}

const TEXT: JsonObject = { type: 'string', minLength: 1 };

function checkStandard(value: Json, schema: Exclude<Ask['schema'], JsonObject | undefined>): Checked {
  const result = schema['~standard'].validate(value) as {
    readonly then?: unknown;
    readonly value?: unknown;
    readonly issues?: readonly { readonly message: string; readonly path?: readonly unknown[] }[];
  };
  if (typeof result.then === 'function')
    return { fault: 'its schema checks asynchronously, which a turn cannot wait for' };
  const [issue] = result.issues ?? [];
  if (issue !== undefined) return { fault: `answer${toPath(issue.path ?? [])}: ${issue.message}` };
  return isJson(result.value)
    ? { value: result.value }
    : { fault: 'its schema makes something of it that is no JSON' };
}

function toPath(path: readonly unknown[]): string {
  const key = (part: unknown): unknown =>
    typeof part === 'object' && part !== null ? (part as { readonly key?: unknown }).key : part;
  return path.map((part) => `.${String(key(part))}`).join('');
}

/** What is wrong with the questions of a machine, as far as that is known without a context. Throws ASK_INVALID. */
export function checkQuestions(machine: AnyStateMachine, type: string): void {
  for (const node of nodesOf(machine.root)) {
    const ask = askOf(node) as unknown;
    if (ask === undefined) continue;
    const fault = definitionFault(ask, node, machine);
    if (fault === undefined) continue;
    throw new QuorateError('ASK_INVALID', `machine '${type}', meta.ask of state '${pathOf(node)}': ${fault}`);
  }
}

const FIELDS = ['question', 'choices', 'schema', 'event', 'deadlineMs', 'default'];

function definitionFault(given: unknown, node: AnyStateNode, machine: AnyStateMachine): string | undefined {
  if (typeof given !== 'object' || given === null) return 'it must be an object with a question';
  const alien = Object.keys(given).find((key) => !FIELDS.includes(key));
  if (alien !== undefined) return `'${alien}' is none of ${FIELDS.join(', ')}`;
  const ask = given as Ask;
  const { question, choices, schema, event = DEFAULT_ANSWER, deadlineMs, default: answer } = ask;
  if (node.type === 'final' || node.type === 'history') return `a ${node.type} state waits for nobody`;
  if (choices !== undefined && schema !== undefined) return 'give choices or a schema, not both';
  if (answer !== undefined && deadlineMs === undefined) return 'a default needs a deadlineMs';
  if (deadlineMs !== undefined && !(Number.isSafeInteger(deadlineMs) && deadlineMs > 0))
    return 'deadlineMs must be a whole number of ms above 0';
  if (!takes(machine, event)) return `the machine takes no event '${event}'`;
  const isFixed = typeof choices !== 'function';
  return (
    (typeof question === 'function' ? undefined : questionFault(question)) ??
    (isFixed ? choicesFault(choices) : undefined) ??
    formFault(schema) ??
    (isFixed && typeof answer !== 'function' ? answerFault(answer, choices, schema) : undefined)
  );
}

function formFault(schema: unknown): string | undefined {
  if (schema === undefined) return undefined;
  if (typeof schema !== 'object' && typeof schema !== 'function') return 'schema must be an object';
  const form = schema as NonNullable<Ask['schema']>;
  if (!isStandard(form)) {
    const fault = schemaFault(form);
    if (fault !== undefined) return fault;
  }
  const bytes = JSON.stringify(shownSchema(form) ?? null).length;
  return bytes <= ASK_BOUNDS.schemaBytes
    ? undefined
    : `schema has ${bytes} bytes as JSON, at most ${ASK_BOUNDS.schemaBytes}`;
}

/** Also by a wildcard: `*`, or `order.*`. */
function takes(machine: AnyStateMachine, event: unknown): boolean {
  if (typeof event !== 'string' || event === '') return false;
  return machine.events.some(
    (known) => known === event || (known.endsWith('*') && event.startsWith(known.slice(0, -1))),
  );
}

/** As the machine that runs here has it, if it has such a state. */
export function schemaIn(machine: AnyStateMachine, state: string): Ask['schema'] {
  const node = nodesOf(machine.root).find((one) => pathOf(one) === state);
  return node === undefined ? undefined : askOf(node)?.schema;
}
