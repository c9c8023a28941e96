// Questions of an actor: opened as a state is entered, answered by a person or by their deadline, closed as the state is left. What is
// open is in the state (I2); an answer counts only while its question is there (I9).
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import {
  ASK_BOUNDS,
  type AskEnd,
  type AsksState,
  type ClosedQuestion,
  type Question,
} from '../../contract/asks.ts';
import { type ErrorCode, QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { TurnInput } from '../../contract/turn.ts';
import { type Asked, checkAnswer, isStandard, pathOf, schemaIn } from './ask-meta.ts';
import type { Draft } from './draft.ts';
import { cancelTimer, instantAfter, setTimer } from './timers.ts';

const NONE: AsksState = { open: {}, closed: [] };

export function openQuestion(draft: Draft, { deadlineMs, ...asked }: Asked): void {
  if (draft.life?.status !== 'active') return;
  const { open } = draft.asks ?? NONE;
  if (Object.keys(open).length >= ASK_BOUNDS.open)
    throw new QuorateError(
      'ASK_INVALID',
      `state '${asked.state}' would be question ${ASK_BOUNDS.open + 1} at once`,
    );
  const ask = draft.nextAskId();
  const deadlineAt = deadlineMs === undefined ? undefined : instantAfter(draft.now, deadlineMs);
  const question: Question = {
    ...asked,
    openedAt: draft.now,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
  };
  if (deadlineMs !== undefined && asked.default !== undefined)
    setTimer(draft, deadlineMs, () => ({ kind: 'ask', ask }));
  draft.asks = { ...(draft.asks ?? NONE), open: { ...open, [ask]: question } };
}

/** Its state was left. */
export function closeQuestionsOf(draft: Draft, state: string): void {
  for (const [ask, question] of Object.entries(draft.asks?.open ?? {}))
    if (question.state === state) closeQuestion(draft, ask, { how: 'left' });
}

interface Closing {
  readonly how: AskEnd;
  readonly by?: string;
  readonly answer?: Json;
}

/** Longer answers are not remembered. */
const MOST_REMEMBERED = 1_000;
const REMEMBERED_QUESTION = 200;

export function closeQuestion(draft: Draft, ask: string, { how, by, answer }: Closing): void {
  const { asks = NONE } = draft;
  const { [ask]: question, ...open } = asks.open;
  if (question === undefined) return;
  for (const [token, { what }] of draft.timers.entries())
    if (what.kind === 'ask' && what.ask === ask) cancelTimer(draft, token);
  const isShort = answer !== undefined && JSON.stringify(answer).length <= MOST_REMEMBERED;
  const closed: ClosedQuestion = {
    ask,
    how,
    at: draft.now,
    ...(by === undefined ? {} : { by }),
    ...(isShort ? { answer } : {}),
    question: question.question.slice(0, REMEMBERED_QUESTION).toWellFormed(),
    openedAt: question.openedAt,
    turn: draft.turn + 1,
  };
  // What opens and closes in one turn nobody has seen.
  const isSeen = !draft.isFresh(ask);
  draft.asks = {
    open,
    closed: isSeen ? [...asks.closed, closed].slice(-ASK_BOUNDS.closed) : asks.closed,
  };
}

/** Another version of the machine may be in another state than the one that asked. */
export function closeLeftQuestions(draft: Draft, nodes: readonly AnyStateNode[]): void {
  for (const [ask, { state }] of Object.entries(draft.asks?.open ?? {}))
    if (!nodes.some((node) => pathOf(node) === state)) closeQuestion(draft, ask, { how: 'left' });
}

/** The actor has ended. */
export function closeAllQuestions(draft: Draft): void {
  for (const ask of Object.keys(draft.asks?.open ?? {})) closeQuestion(draft, ask, { how: 'ended' });
}

type Response = Extract<TurnInput, { kind: 'respond' }>;

/** What an answer is to: a question that is open, and the value as its schema gives it. */
export type Answered =
  | { readonly kind: 'taken'; readonly ask: string; readonly question: Question; readonly value: Json }
  | { readonly kind: 'refused'; readonly error: ErrorJson };

export function judgeAnswer(
  draft: Draft,
  machine: AnyStateMachine,
  { ask: asked, value }: Response,
): Answered {
  const { open, closed } = draft.asks ?? NONE;
  const all = Object.keys(open);
  if (asked === undefined && all.length > 1)
    return refused('ASK_AMBIGUOUS', `${all.length} questions are open; say which: ${all.join(', ')}`);
  const ask = asked ?? all[0];
  const question = ask === undefined ? undefined : open[ask];
  if (ask === undefined || question === undefined) return refused('ASK_CLOSED', whyClosed(ask, closed));
  const live = schemaIn(machine, question.state);
  const schema = live !== undefined && isStandard(live) ? live : question.schema;
  const checked = checkAnswer(value, question.choices, schema);
  if ('fault' in checked) return refused('ANSWER_INVALID', checked.fault);
  return { kind: 'taken', ask, question, value: checked.value };
}

function refused(code: ErrorCode, message: string): Extract<Answered, { kind: 'refused' }> {
  return { kind: 'refused', error: { code, message } };
}

function whyClosed(ask: string | undefined, closed: readonly ClosedQuestion[]): string {
  const known = closed.find((one) => one.ask === ask);
  if (known === undefined) return ask === undefined ? 'no question is open' : `question ${ask} is not open`;
  const at = new Date(known.at).toISOString();
  const by = known.by === undefined ? '' : ` by ${known.by}`;
  return `question ${ask} ${HOW[known.how]}${by} at ${at}`;
}

const HOW: Readonly<Record<AskEnd, string>> = {
  answered: 'was answered',
  default: 'got its default answer',
  left: 'was withdrawn: its state was left',
  ended: 'was withdrawn: its actor ended',
};
