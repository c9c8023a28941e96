// Limits, days of tenants and lists of questions share a queue of sessions that the service lists only as a whole: who wants one of them
// reads one page at most, however many there are.
import { beforeEach, expect, it } from 'vitest';
import { createDayBudgets } from '../../../src/client/day-budgets.ts';
import { createSharedLimits } from '../../../src/client/limits.ts';
import { controlAddress } from '../../../src/contract/control.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Bridge } from '../../../src/contract/ports.ts';
import type { AnswerBody, QueryAnswer, WireMessage } from '../../../src/contract/wire.ts';
import type { Requests } from '../../../src/mailbox/requests.ts';

let sessions: string[] = [];
let pages: number[] = [];
let asked: WireMessage[] = [];
const many = (count: number) =>
  Array.from({ length: count }, (_, at) => controlAddress('tenant', `t${at}`).id);
const limits = (...names: string[]) => names.map((name) => controlAddress('limit', name).id);

const bridge: Pick<Bridge, 'listSessions'> = {
  listSessions: async (_, { skip, top, prefix = '' }) => {
    pages.push(skip);
    const page = sessions.slice(skip, skip + top);
    return { ids: page.filter((id) => id.startsWith(prefix)), listed: page.length };
  },
};
const VIEW = {
  settings: {},
  granted: { microUsd: 0, tokens: 0 },
  limit: {},
  day: 0,
  waiting: 0,
  revision: 0,
};
const requests: Pick<Requests, 'ask'> = {
  ask: async (make): Promise<AnswerBody> => {
    const message = make({ entity: 'replies', sessionId: 'c', correlationId: 'c' });
    asked.push(message);
    if (sessions.includes(message.sessionId ?? ''))
      return { kind: 'answer', answer: 'outcome', outcome: { status: 'done', output: VIEW } };
    expect(message.subject, 'an order would make the actor').toBe('query');
    return { kind: 'answer', answer: 'error', error: { code: 'ACTOR_NOT_FOUND', message: 'none' } };
  },
};

beforeEach(() => {
  [sessions, pages, asked] = [[], [], []];
});

it.each([0, 3, 99, 100, 5_000])('one behind %i others is found with one page', async (others) => {
  sessions = [...many(others), ...limits('gpt')];
  const shared = createSharedLimits(bridge, requests);
  await shared.get('gpt');
  await shared.pause('gpt');
  expect(pages).toEqual([0, 0]);
  expect(asked.map(({ subject }) => subject)).toEqual(
    others < 100 ? ['query', 'event'] : ['query', 'query', 'event'],
  );
});

it('a host of a former build, which shows nothing, is given the order', async () => {
  sessions = limits('gpt');
  const former: Pick<Requests, 'ask'> = {
    ask: async (make, options) => {
      const answered = await requests.ask(make, options);
      const isLook = asked.at(-1)?.subject === 'query';
      return isLook ? { kind: 'answer', answer: 'snapshot', snapshot: {} as QueryAnswer } : answered;
    },
  };
  expect(await createSharedLimits(bridge, former).get('gpt')).toEqual(VIEW);
  expect(asked.map(({ subject }) => subject)).toEqual(['query', 'event']);
});

it.each([0, 99, 100, 5_000])('one that is not there among %i others is made by nobody', async (others) => {
  sessions = many(others);
  const days = createDayBudgets(bridge, requests);
  await expect(days.get('nobody')).rejects.toMatchObject({ code: 'BUDGET_NOT_FOUND' });
  await expect(days.set('nobody', { usdPerDay: 1 })).rejects.toMatchObject({ code: 'BUDGET_NOT_FOUND' });
  expect(pages).toEqual([0, 0]);
  // No host is waited for where a page says it.
  expect(asked).toHaveLength(others < 100 ? 0 : 2);
});

it('all names of a kind are found, behind whatever others', async () => {
  sessions = [...limits('b'), ...many(250), ...limits('a')];
  expect(await createSharedLimits(bridge, requests).list()).toEqual(['a', 'b']);
  expect(pages).toEqual([0, 100, 200]);
});

it('a hint names some that are there', async () => {
  sessions = [...limits('b', 'a'), ...many(500)];
  await expect(createSharedLimits(bridge, requests).get('c')).rejects.toThrow('there are a, b');
  expect(pages).toEqual([0, 0]);
});

it('without the queue there is nothing, and other faults are faults', async () => {
  const failing = (code: 'TOPOLOGY_MISMATCH' | 'UNAUTHORIZED') =>
    createSharedLimits({ listSessions: () => Promise.reject(new QuorateError(code, 'no')) }, requests);
  expect(await failing('TOPOLOGY_MISMATCH').list()).toEqual([]);
  await expect(failing('TOPOLOGY_MISMATCH').get('a')).rejects.toMatchObject({ code: 'LIMIT_NOT_FOUND' });
  await expect(failing('UNAUTHORIZED').get('a')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});
