// The list of open questions: what each actor said last, whatever comes twice or is overtaken, and never more than its bounds.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClosedQuestion, Question } from '../../../../src/contract/asks.ts';
import type { EventJson } from '../../../../src/contract/json.ts';
import {
  type AsksBounds,
  type AsksIndex,
  type AsksPage,
  reduceAsks,
} from '../../../../src/control/asks/asks.ts';
import { toRow } from '../../../../src/control/asks/protocol.ts';

const NOW = 1_700_000_000_000;
const from = { entity: 'replies', sessionId: 'client', correlationId: 'c' };

const question = (openedAt: number, text = 'Go?'): Question => ({
  state: 's',
  question: text,
  event: 'answer',
  openedAt,
});
const closed = (ask: string): ClosedQuestion => ({
  ask,
  how: 'answered',
  at: NOW,
  question: 'Go?',
  openedAt: 1,
  turn: 1,
});
const tell = (id: string, turn: number, asks: readonly string[], more: object = {}): EventJson => ({
  type: 'tell',
  actor: { type: 'm', id },
  life: `life-${id}`,
  turn,
  open: Object.fromEntries(asks.map((ask, at) => [ask, question(at)])) as never,
  closed: [],
  ...more,
});

class List {
  state: AsksIndex | undefined;
  readonly #bounds: AsksBounds | undefined;

  constructor(bounds?: AsksBounds) {
    this.#bounds = bounds;
  }

  tell(event: EventJson, now = NOW): readonly unknown[] {
    const { state, answers } = reduceAsks(this.state, event, now, this.#bounds);
    this.state = JSON.parse(JSON.stringify(state)) as AsksIndex;
    return answers;
  }

  page(more: object = {}): AsksPage {
    const order = { type: 'order', id: 'o', from, list: 'open', limit: 100, ...more };
    const [answer] = reduceAsks(this.state, order, NOW, this.#bounds).answers;
    return answer?.value as unknown as AsksPage;
  }

  get open(): string[] {
    return this.page().rows.map(({ actor, ask }) => `${actor.id}#${ask}`);
  }
}

describe('the list of questions', () => {
  it('has what each actor said last, the oldest question first', () => {
    const list = new List();
    list.tell(tell('a', 1, ['q1', 'q2']));
    list.tell(tell('b', 3, ['q3']));
    expect(list.open).toEqual(['a#q1', 'b#q3', 'a#q2']);
    list.tell(tell('a', 2, ['q2'], { closed: [closed('q1')] }));
    expect(list.open).toEqual(['a#q2', 'b#q3']);
    expect(list.page({ list: 'closed' }).closed).toMatchObject([
      { actor: { type: 'm', id: 'a' }, ask: 'q1', how: 'answered' },
    ]);
  });

  it('tells the lives of an actor apart', () => {
    const list = new List();
    list.tell(tell('a', 9, ['q1']));
    list.tell(tell('a', 1, ['q2'], { life: 'second' }));
    list.tell(tell('a', 10, []));
    expect(list.open).toEqual(['a#q2']);
  });

  it('gives pages that neither repeat nor leave out what stays, while others come and go', () => {
    const list = new List();
    for (let n = 0; n < 10; n++) list.tell(tell(`a${n}`, 1, [], { open: { q: question(100 + n) } }));
    const first = list.page({ limit: 4 });
    expect(first.rows.map(({ actor }) => actor.id)).toEqual(['a0', 'a1', 'a2', 'a3']);
    list.tell(tell('a3', 2, []));
    list.tell(tell('a5', 2, []));
    const second = list.page({ limit: 4, after: first.next });
    expect(second.rows.map(({ actor }) => actor.id)).toEqual(['a4', 'a6', 'a7', 'a8']);
    const last = list.page({ limit: 4, after: second.next });
    expect(last.rows.map(({ actor }) => actor.id)).toEqual(['a9']);
    expect(last).not.toHaveProperty('next');
  });

  it.each([
    ['nothing', {}],
    [
      'an order to another address',
      { type: 'order', id: 'o', from: { ...from, entity: 'x' }, list: 'open', limit: 1 },
    ],
    ['a tell without an actor', { ...tell('a', 1, ['q']), actor: 'a' }],
    ['a tell with what is no question', { ...tell('a', 1, []), open: { q: 1 } }],
  ])('takes no notice of %s', (_what, event) => {
    const list = new List();
    list.tell(tell('b', 1, ['q']));
    const before = JSON.stringify(list.state);
    expect(list.tell({ type: 'x', ...event })).toEqual([]);
    expect(JSON.stringify(list.state)).toBe(before);
  });

  it('has room for so many, says how many it has not listed, and keeps the latest of what was closed', () => {
    const list = new List({ rows: 3, bytes: 100_000, closed: 2, gone: 2, goneMs: 1_000 });
    for (let n = 0; n < 5; n++) list.tell(tell(`a${n}`, 1, ['q'], { closed: [closed(`c${n}`)] }));
    expect(list.page()).toMatchObject({ count: 3, unlisted: 2 });
    expect(list.page({ list: 'closed' }).closed.map(({ ask }) => ask)).toEqual(['c4', 'c3']);
    for (let n = 0; n < 3; n++) list.tell(tell(`a${n}`, 2, []));
    expect(list.page()).toMatchObject({ count: 0, unlisted: 0 });
    expect(list.state).toMatchObject({ lives: {}, bytes: 0 });
    expect(list.state?.gone.length).toBeLessThanOrEqual(2);
  });

  it('cuts what is long, and what there are no bytes for', () => {
    const long = toRow({ ...question(1, 'x'.repeat(4_000)), choices: ['a'] });
    expect(long).toMatchObject({ isCut: true, question: 'x'.repeat(200) });
    expect(long).not.toHaveProperty('choices');
    const list = new List({ rows: 10, bytes: 150, closed: 0, gone: 0, goneMs: 0 });
    list.tell(tell('a', 1, ['q1']));
    list.tell(tell('b', 1, ['q2', 'q3']));
    expect(list.page().rows.map(({ isCut }) => isCut ?? false)).toEqual([false, false, true]);
  });
});

it('has an agent told of each question once, however its turns come', () => {
  const list = new List();
  const told = (event: EventJson): unknown[] => {
    const { notices = [] } = reduceAsks(list.state, event, NOW);
    list.tell(event);
    return notices.map(({ agent, input }) => [agent, (input as { id: string }).id]);
  };
  const notify = { notify: 'slack' };
  expect(told(tell('a', 2, ['q1.0-x', 'q2.0-x'], notify))).toEqual([
    ['slack', 'm/a#q1.0-x'],
    ['slack', 'm/a#q2.0-x'],
  ]);
  expect(told(tell('a', 2, ['q1.0-x', 'q2.0-x'], notify))).toEqual([]);
  expect(told(tell('a', 1, ['q1.0-x'], notify))).toEqual([]);
  expect(told(tell('a', 3, ['q2.0-x', 'q3.0-x'], notify))).toEqual([['slack', 'm/a#q3.0-x']]);
  expect(told(tell('a', 4, [], notify))).toEqual([]);
  expect(told(tell('b', 1, ['q1.0-y']))).toEqual([]);
});

it('comes to the same in whatever order the turns of actors are told, and however often', () => {
  const life = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    turns: fc.array(fc.subarray(['q1', 'q2', 'q3']), { maxLength: 5 }),
  });
  const lives = fc.uniqueArray(life, { selector: ({ id }) => id, maxLength: 3 });
  const scene = lives.chain((all) => {
    const tells = all.flatMap(({ id, turns }) => turns.map((asks, at) => tell(id, at + 1, asks)));
    const shuffled = fc.shuffledSubarray([...tells, ...tells], { minLength: tells.length * 2 });
    return fc.record({ all: fc.constant(all), shuffled });
  });
  fc.assert(
    fc.property(scene, ({ all, shuffled }) => {
      const list = new List();
      for (const event of shuffled) list.tell(event);
      const expected = all.flatMap(({ id, turns }) => (turns.at(-1) ?? []).map((ask) => `${id}#${ask}`));
      expect(list.open.toSorted()).toEqual(expected.toSorted());
      expect(list.state?.count ?? 0).toBe(expected.length);
    }),
    { numRuns: 60 },
  );
});
