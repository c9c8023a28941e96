// How a call of a model ends, as an error of Quorate: what kind of failure it was, and one line that says it. An error of an SDK holds
// the prompt (`requestBodyValues`, texts of parsers) and is never passed on, neither as a cause nor in a text: of it stay the kind, the
// status, the provider's word and its message, unless that repeats what the model was asked with.
import { type ErrorCode, QuorateError } from '../contract/errors.ts';
import { type AgentFailure, classifyFailure, type Failure, type FailureKind } from '../contract/failure.ts';
import type { Json } from '../contract/json.ts';
import { cutText } from '../contract/sizes.ts';

const MAX_MESSAGE_BYTES = 300;
/** A text that has so many characters in a row with a prompt repeats it. */
const REPEATED = 24;
const SHORTEST_PROMPT = 8;

export type EndingCode = Extract<ErrorCode, `MODEL_${string}`>;

/** An error that says what follows from it: `toTaskError` finds its `failure`. */
export function ending(
  code: EndingCode,
  known: Failure,
  message: string,
  data?: Json,
): QuorateError & AgentFailure {
  const error = new QuorateError(code, message, data === undefined ? {} : { data });
  return Object.assign(error, { failure: known });
}

/** What the other side, or the way to it, did. `begun`: pieces of the answer had come. `asked`: texts that no error may repeat. */
export function failedCall(
  thrown: unknown,
  { model, reached, asked, now }: { model: string; reached: Reached; asked: unknown; now: number },
): QuorateError & AgentFailure {
  const known = classifyFailure(withStatus(thrown), { now }) ?? { kind: 'unknown' };
  const { status, code, kind } = known;
  const what = [status === undefined ? undefined : `HTTP ${status}`, code].filter(Boolean).join(' ');
  const said = saidBy(thrown);
  const more = said === '' || repeats(said, asked) ? '' : `: ${said}`;
  const error = ending(
    'MODEL_REFUSED',
    known,
    `${model} refused the call (${what === '' ? kind : what})${more}`,
  );
  if (isRefusal(error, reached)) return error;
  return ending(
    'MODEL_CUT',
    known,
    `the answer of ${model} was cut${what === '' ? '' : ` (${what})`}${more}`,
  );
}

/** An error within a stream has a status as its `code`, if it has one. */
function withStatus(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null || thrown instanceof Error) return thrown;
  const { code } = thrown as { readonly code?: unknown };
  const status = Number(code);
  return status >= 400 && status < 600 ? { ...thrown, status } : thrown;
}

/** Of them it is known that nothing was done, wherever they are said ahead of an answer. */
const REFUSALS: ReadonlySet<FailureKind> = new Set(['throttled', 'overloaded', 'account', 'permanent']);

/** How far a call had come: without an answer, with a good status, with a first piece. */
export type Reached = 'asked' | 'opened' | 'begun';

/** By the other side, without doing anything: nobody is billed for that. */
export function isRefusal({ failure: { kind, status } }: AgentFailure, reached: Reached): boolean {
  if (reached === 'asked') return status !== undefined || kind === 'transient' || REFUSALS.has(kind);
  // Behind a good status nothing but such a word counts: what else fails there may have read the prompt.
  return reached === 'opened' && REFUSALS.has(kind);
}

/** The provider's words. Errors of the SDK itself hold values in theirs: of those the name says enough. */
function saidBy(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return '';
  const { message, name, statusCode, status } = thrown as Readonly<Record<string, unknown>>;
  const isOfSdk = typeof name === 'string' && name.startsWith('AI_');
  const isProviders = typeof statusCode === 'number' || typeof status === 'number' || !isOfSdk;
  const text = isProviders ? message : name;
  return typeof text === 'string' ? cutText(inOneLine(text), MAX_MESSAGE_BYTES) : '';
}

/** Looks at every other half of that length, so what is repeated at one and a half times the length is found wherever it stands. */
export function repeats(said: string, asked: unknown): boolean {
  const text = inOneLine(said);
  const texts = textsOf(asked);
  if (texts.some((one) => one.length >= SHORTEST_PROMPT && one.length <= REPEATED && text.includes(one)))
    return true;
  for (let at = 0; at + REPEATED <= text.length; at += REPEATED / 2) {
    const part = text.slice(at, at + REPEATED);
    if (texts.some((one) => one.includes(part))) return true;
  }
  return false;
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [inOneLine(value)];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.values(value).flatMap(textsOf);
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
