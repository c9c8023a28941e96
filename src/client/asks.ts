// Questions to people: listed by type, as actors have told them, and answered by the actors themselves, which know what is open.

import {
  type AnswerOptions,
  ASK_BOUNDS,
  type AskPage,
  MOST_IN_A_PAGE,
  type OpenAsk,
  parseAskId,
  toClosedAsk,
  toOpenAsk,
} from '../contract/asks.ts';
import { checkJson } from '../contract/border.ts';
import type { CallOptions, QuorateClient } from '../contract/client.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Bridge } from '../contract/ports.ts';
import type { TurnInput } from '../contract/turn.ts';
import type { AsksPage, OpenRow } from '../control/asks/asks.ts';
import { shardOf } from '../control/asks/protocol.ts';
import type { Requests } from '../mailbox/requests.ts';
import { lookAtIfThere, namesOf } from './orders.ts';

const DEFAULT_PAGE = 100;
const NOTHING: AsksPage = { rows: [], closed: [], count: 0, unlisted: 0 };
const LONGEST_CURSOR = 1_000;

export function createAsks(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
  query: QuorateClient['query'],
): QuorateClient['asks'] {
  const pageOf = async (name: string, what: object, call: CallOptions): Promise<AsksPage> => {
    const page = await lookAtIfThere({ bridge, requests }, { kind: 'asks', name }, { ...what }, call);
    return page === undefined ? NOTHING : (page as unknown as AsksPage);
  };

  /** What the list keeps of a long question is only its beginning: its actor has the rest. */
  const whole = async (row: OpenRow, call: CallOptions): Promise<OpenAsk[]> => {
    const { actor, ask, isCut, ...question } = row;
    const outline = toOpenAsk(actor, ask, question);
    if (isCut !== true) return [outline];
    // Gone or busy just now: the list will hear of it.
    const found = await query(actor.type, actor.id, call).catch(() => undefined);
    const own = found?.asks?.open.find(({ id }) => id === outline.id);
    return own === undefined ? [] : [own];
  };

  return async ({ type, closed = false, after, limit = DEFAULT_PAGE, ...call } = {}) => {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_IN_A_PAGE)
      throw new QuorateError('INPUT_INVALID', `limit must be a whole number from 1 to ${MOST_IN_A_PAGE}`);
    const from = readCursor(after);
    // Of one type there is one list; of all the broker is asked for their names.
    const known = type === undefined ? await namesOf(bridge, 'asks') : [shardOf(type)];
    const names = known.filter((name) => name >= from.name);
    const page: { -readonly [field in keyof AskPage]: AskPage[field] } = {
      open: [],
      closed: [],
      unlisted: 0,
    };
    for (const [at, name] of names.entries()) {
      const left = limit - page.open.length - page.closed.length;
      const place = name === from.name && from.after !== undefined ? { after: from.after } : {};
      const found = await pageOf(name, { list: closed ? 'closed' : 'open', limit: left, ...place }, call);
      const open = await Promise.all(found.rows.map((row) => whole(row, call)));
      page.open = [...page.open, ...open.flat()];
      page.closed = [...page.closed, ...found.closed.map(({ actor, ...row }) => toClosedAsk(actor, row))];
      page.unlisted += found.unlisted;
      if (found.next !== undefined) return { ...page, next: toCursor(name, found.next) };
      const follows = names[at + 1];
      if (page.open.length + page.closed.length >= limit && follows !== undefined)
        return { ...page, next: toCursor(follows) };
    }
    return page;
  };
}

interface Cursor {
  readonly name: string;
  readonly after?: string;
}

function toCursor(name: string, after?: string): string {
  return JSON.stringify(after === undefined ? [name] : [name, after]);
}

function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return { name: '' };
  try {
    const [name, after] = JSON.parse(text) as readonly unknown[];
    if (typeof name === 'string' && text.length <= LONGEST_CURSOR)
      return { name, ...(typeof after === 'string' ? { after } : {}) };
  } catch {
    // Said below.
  }
  throw new QuorateError('INPUT_INVALID', 'after must be the `next` of a page');
}

/** Actor and message of an answer. Throws INPUT_INVALID. */
export function toResponse(
  id: string,
  value: Json,
  { by }: AnswerOptions = {},
): { readonly type: string; readonly id: string; readonly body: Omit<Respond, 'asker'> } {
  const parsed = parseAskId(id);
  if (parsed === undefined)
    throw new QuorateError(
      'INPUT_INVALID',
      `'${id}' is no id of a question: it has the form type/id#question`,
    );
  if (by !== undefined && (by === '' || by.length > ASK_BOUNDS.byLength))
    throw new QuorateError('INPUT_INVALID', `by must be a text of 1 to ${ASK_BOUNDS.byLength} characters`);
  const { actor, ask } = parsed;
  const answer = checkJson(value, { of: id, path: 'answer', code: 'INPUT_INVALID' });
  if (JSON.stringify(answer).length > ASK_BOUNDS.answerBytes)
    throw new QuorateError('ANSWER_INVALID', `answer has more than ${ASK_BOUNDS.answerBytes} bytes as JSON`);
  return {
    ...actor,
    body: {
      kind: 'respond',
      value: answer,
      ...(ask === undefined ? {} : { ask }),
      ...(by === undefined ? {} : { by }),
    },
  };
}

type Respond = Extract<TurnInput, { kind: 'respond' }>;
