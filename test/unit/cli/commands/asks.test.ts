// What a person types as an answer, and what `quorate asks` prints.
import { describe, expect, it } from 'vitest';
import { describeAnswer, readAnswer } from '../../../../src/cli/commands/answer-text.ts';
import { describeClosed, describeOpen } from '../../../../src/cli/commands/asks.ts';
import type { ClosedAsk, OpenAsk } from '../../../../src/contract/asks.ts';
import type { Json, JsonObject } from '../../../../src/contract/json.ts';

const form: JsonObject = {
  type: 'object',
  properties: { usd: { type: 'number' }, why: { type: 'string' } },
  required: ['usd'],
};

describe('an answer that is typed', () => {
  it.each<[string, JsonObject | undefined, Json]>([
    ['3', { type: 'string' }, '3'],
    ['3', { type: 'number' }, 3],
    ['yes', { type: 'boolean' }, true],
    ['no', { type: 'string', enum: ['yes', 'no'] }, 'no'],
    ['2', { enum: [1, 2] }, 2],
    ['{"usd":1}', form, { usd: 1 }],
    ['free text', undefined, 'free text'],
    ['{"a":1}', undefined, { a: 1 }],
  ])('%s for %j is %j', (text, schema, value) => {
    expect(readAnswer(text, schema)).toEqual(value);
  });

  it('is refused where it cannot be what is asked for', () => {
    expect(() => readAnswer('three', { type: 'number' })).toThrow("'three' is no number; give it as JSON");
  });

  it.each([
    [{ choices: ['publish', 'keep'] }, 'publish | keep'],
    [{ schema: { type: 'string', minLength: 1 } }, 'a text'],
    [{ schema: { type: 'boolean' } }, 'yes | no'],
    [{ schema: { type: 'integer' } }, 'JSON: integer'],
    [{ schema: form }, '{ "usd": number, "why"?: string }'],
    [{}, 'JSON'],
  ])('to %j is asked for as %s', (question, text) => {
    expect(describeAnswer(question)).toBe(text);
  });
});

const NOW = 1_700_000_000_000;
const open: OpenAsk = {
  id: 'review/r1#q7.0-5b1d9a3e',
  actor: { type: 'review', id: 'r1' },
  state: 'approving',
  question: `Publish\n4 findings? ${'x'.repeat(80)}`,
  choices: ['publish', 'keep'],
  event: 'answer',
  openedAt: NOW - 3 * 60_000,
};
const closed: ClosedAsk = {
  id: open.id,
  actor: open.actor,
  how: 'answered',
  at: NOW - 7_200_000,
  by: 'ann',
  answer: 'publish',
  question: 'Publish?',
  openedAt: NOW - 9_000_000,
};

it('lists open questions with their age and deadline', () => {
  const due = { ...open, question: 'Go?', deadlineAt: NOW + 86_400_000, default: 'keep' };
  const late = { ...open, question: 'Go?', deadlineAt: NOW - 5_000 };
  expect(describeOpen([], NOW)).toEqual(['no question is open']);
  expect(describeOpen([open, due, late], NOW)).toMatchInlineSnapshot(`
    [
      "id                       question                                                      answer            age  deadline",
      "review/r1#q7.0-5b1d9a3e  Publish 4 findings? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…  publish | keep  3 min",
      "review/r1#q7.0-5b1d9a3e  Go?                                                           publish | keep  3 min  in 1 d, then keep",
      "review/r1#q7.0-5b1d9a3e  Go?                                                           publish | keep  3 min  5 s late",
    ]
  `);
});

it('lists closed ones with who answered', () => {
  expect(
    describeClosed([closed, { ...closed, how: 'default', answer: 'keep' }, { ...closed, how: 'left' }], NOW),
  ).toMatchInlineSnapshot(`
    [
      "id                       question  end                            when",
      "review/r1#q7.0-5b1d9a3e  Publish?  answered publish by ann        2 h ago",
      "review/r1#q7.0-5b1d9a3e  Publish?  default answer: keep           2 h ago",
      "review/r1#q7.0-5b1d9a3e  Publish?  withdrawn: its state was left  2 h ago",
    ]
  `);
});
