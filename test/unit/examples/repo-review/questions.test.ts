// The question of a review in its client: answered by --yes, or told with how to answer it; and what the machine makes of the answer.
import { expect, it } from 'vitest';
import { answerQuestions } from '../../../../examples/repo-review/client/questions.ts';
import { approvalOf, refusedBy } from '../../../../examples/repo-review/review.steps.ts';

const question = {
  id: 'review/r#q7.0-5b1d9a3e',
  question: 'Publish 2 findings?',
  choices: ['publish', 'keep'],
};

/** A review that asks, is told so twice, and is answered. */
async function follow(answering: 'yes' | 'elsewhere') {
  const lines: string[] = [];
  const answers: unknown[] = [];
  const client = {
    watch: async function* () {
      yield { asks: [question] };
      yield { asks: [question] };
      yield {};
    },
    answer: async (...said: unknown[]) => void answers.push(said),
  };
  const terminal = { row: (label: string, text: string) => lines.push(`${label} ${text}`) };
  const { signal } = new AbortController();
  await answerQuestions({ client } as never, 'r', answering, terminal as never, signal);
  return { lines, answers };
}

it('is answered once by --yes', async () => {
  const { lines, answers } = await follow('yes');
  expect(answers).toEqual([[question.id, 'publish', { answer: 'publish', by: '--yes' }]]);
  expect(lines).toEqual(['question Publish 2 findings?', 'answer publish, by --yes']);
});

it('says without a terminal how to answer it, once', async () => {
  const { lines, answers } = await follow('elsewhere');
  expect(answers).toEqual([]);
  expect(lines[1]).toBe(`answer it waits for: quorate asks answer '${question.id}' publish | keep`);
  expect(lines).toHaveLength(2);
});

it('counts what is to be published, and says who said no', () => {
  const collected = { findings: 1, bySeverity: { high: 1, medium: 0, low: 0 }, merged: 0 };
  expect(approvalOf({ input: { out: '/out' }, collected } as never)).toBe(
    'Publish 1 finding (1 high) to /out?',
  );
  expect(refusedBy({ type: 'answer', answer: 'keep', by: 'ann' }).message).toContain('ann said no');
  expect(refusedBy({ type: 'answer', answer: 'keep', byDefault: true }).message).toContain(
    'nobody has answered',
  );
});
