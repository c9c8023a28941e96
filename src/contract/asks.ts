// Questions to people: what a state with `meta.ask` says, what an actor keeps of the questions that are open, and what clients are
// shown (docs/questions.md).
import type { ActorAddress } from './address.ts';
import type { Json, JsonObject } from './json.ts';

/** What Standard Schema asks of a validator (standardschema.dev): zod, valibot and arktype are such. */
export interface AnswerSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    /** How the schema is shown to people; without it they see the question alone. */
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: string }) => Readonly<Record<string, unknown>>;
    };
  };
}

/** A value, or a pure function that makes it of the context as the state is entered. */
export type OfContext<C, T> = T | ((given: { readonly context: C }) => T);

/** What a state asks a person: `meta: { ask: { ... } }`. `C` is the context of the machine. */
export interface Ask<C = unknown> {
  /** What is longer than 4,096 characters is cut. */
  readonly question: OfContext<C, string>;
  /** The answer is one of these texts: 1 to 100 of at most 200 characters. */
  readonly choices?: OfContext<C, readonly string[]>;
  /** What the answer has to be: JSON Schema as data, or a Standard Schema. Without it and `choices` a text. */
  readonly schema?: JsonObject | AnswerSchema;
  /** Type of the event that the answer becomes: `{ type, answer, by? }`. Default 'answer'. */
  readonly event?: string;
  /** From when the state is entered until when an answer is wanted. */
  readonly deadlineMs?: number;
  /** The answer at the deadline. Without it a question that nobody has answered in time stays open, and is shown as late. */
  readonly default?: OfContext<C, Json>;
}

/** Event type of an answer, unless the question names one. */
export const DEFAULT_ANSWER = 'answer';

/** Bounds of a question. */
export const ASK_BOUNDS = {
  questionLength: 4_096,
  choices: 100,
  choiceLength: 200,
  /** As JSON, each. */
  schemaBytes: 16_384,
  answerBytes: 65_536,
  /** Of one actor at once, in parallel states. */
  open: 32,
  /** Closed ones that an actor remembers. */
  closed: 16,
  byLength: 128,
} as const;

/** A question that an actor has open. */
export interface Question {
  /** Path of its state: 'delivering.approval'. */
  readonly state: string;
  readonly question: string;
  readonly choices?: readonly string[];
  readonly schema?: JsonObject;
  readonly event: string;
  /** Epoch ms. */
  readonly openedAt: number;
  readonly deadlineAt?: number;
  readonly default?: Json;
}

/** Why a question is open no more: a person or its deadline answered it, or its state or its actor ended. */
export type AskEnd = 'answered' | 'default' | 'left' | 'ended';

/** What is remembered of a question that is open no more. */
export interface ClosedQuestion {
  readonly ask: string;
  readonly how: AskEnd;
  /** Epoch ms. */
  readonly at: number;
  /** Who answered, as they say it. */
  readonly by?: string;
  /** As far as it is remembered. */
  readonly answer?: Json;
  readonly question: string;
  readonly openedAt: number;
  /** The turn that closed it. */
  readonly turn: number;
}

/** What an actor keeps of its questions, from its first one on. The keys of `open` are unique in all its lives. */
export interface AsksState {
  readonly open: Readonly<Record<string, Question>>;
  /** The latest, oldest first. */
  readonly closed: readonly ClosedQuestion[];
}

/** A question that waits for a person, as clients are shown it. */
export interface OpenAsk extends Omit<Question, 'schema'> {
  /** What `answer` takes: `type/id#ask`. */
  readonly id: string;
  readonly actor: ActorAddress;
  /** JSON Schema of the answer, also of one that is a text or a choice. Absent where a Standard Schema cannot show itself. */
  readonly schema?: JsonObject;
}

/** A question that is open no more, as clients are shown it. */
export interface ClosedAsk extends Omit<ClosedQuestion, 'ask' | 'turn'> {
  readonly id: string;
  readonly actor: ActorAddress;
}

/** The questions of one actor. */
export interface AsksReport {
  readonly open: readonly OpenAsk[];
  /** The latest, oldest first. */
  readonly closed: readonly ClosedAsk[];
}

/** Of `asks`: which questions, and how many. */
export interface AsksCall {
  /** Of actors of this type; default all. */
  readonly type?: string;
  /** The latest that are not open any more, with how that came, instead. */
  readonly closed?: boolean;
  /** Where a page before ended. */
  readonly after?: string;
  /** At most so many; default 100, at most 500. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** One page of questions: type by type, of each the oldest first; closed ones the latest first. */
export interface AskPage {
  readonly open: readonly OpenAsk[];
  readonly closed: readonly ClosedAsk[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string;
  /** Questions of these types that are open but in no page, as there are too many. `query` of their actors shows them. */
  readonly unlisted: number;
}

/** Of `answer`: who answers, and how long the call waits. */
export interface AnswerOptions {
  /** Who answers, for the log, the list and the machine: at most 128 characters. */
  readonly by?: string;
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

const MARK = '#';

function formatAskId({ type, id }: ActorAddress, ask: string): string {
  return `${type}/${id}${MARK}${ask}`;
}

/** Actor and ask of an id; without an ask the one question of that actor is meant. Undefined for what is neither. */
export function parseAskId(
  text: string,
): { readonly actor: ActorAddress; readonly ask?: string } | undefined {
  const slash = text.indexOf('/');
  const mark = /#(q\d+\.\d+-[\w-]+)$/.exec(text);
  const end = mark?.index ?? text.length;
  if (slash <= 0 || slash >= end - 1) return undefined;
  const actor = { type: text.slice(0, slash), id: text.slice(slash + 1, end) };
  return mark?.[1] === undefined ? { actor } : { actor, ask: mark[1] };
}

/** What every question has: a text where it says nothing else. */
function schemaOf({ choices, schema }: Question): JsonObject {
  if (schema !== undefined) return schema;
  return choices === undefined ? { type: 'string', minLength: 1 } : { type: 'string', enum: choices };
}

export function toOpenAsk(actor: ActorAddress, ask: string, question: Question): OpenAsk {
  return { id: formatAskId(actor, ask), actor, ...question, schema: schemaOf(question) };
}

export function toClosedAsk(actor: ActorAddress, closed: ClosedQuestion): ClosedAsk {
  const { ask, turn: _turn, ...rest } = closed;
  return { id: formatAskId(actor, ask), actor, ...rest };
}

/** Questions in one page of a list. */
export const MOST_IN_A_PAGE = 500;
