// The question of a review as its client deals with it: answered by --yes, by the person at the terminal, or by somebody elsewhere,
// who is told how.
import { createInterface } from 'node:readline/promises';
import type { OpenAsk, RunContext, RunTerminal } from 'quorate';
import type { config } from '../quorate.config.ts';
import type { Answering } from './arguments.ts';

/** Deals with what the review asks until it ends or `signal` aborts. */
export async function answerQuestions(
  { client }: RunContext<typeof config>['runtime'],
  id: string,
  answering: Answering,
  terminal: RunTerminal,
  signal: AbortSignal,
): Promise<void> {
  let open: { readonly id: string; readonly over: AbortController } | undefined;
  try {
    for await (const { asks = [] } of client.watch('review', id, { signal })) {
      const [question] = asks;
      if (question?.id === open?.id) continue;
      // Somebody else has answered it.
      open?.over.abort();
      open = question === undefined ? undefined : { id: question.id, over: new AbortController() };
      if (question === undefined || open === undefined) continue;
      const answer = answerOf(question, answering, terminal, AbortSignal.any([signal, open.over.signal]));
      void answer
        .then((said) => (said === undefined ? undefined : client.answer(question.id, said.answer, said)))
        .catch((error: unknown) => terminal.line(String(error)));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    open?.over.abort();
  }
}

interface Said {
  readonly answer: string;
  readonly by: string;
}

/** Undefined: nobody here answers. */
async function answerOf(
  { id, question, choices = [] }: OpenAsk,
  answering: Answering,
  terminal: RunTerminal,
  signal: AbortSignal,
): Promise<Said | undefined> {
  const [first = ''] = choices;
  terminal.row('question', question);
  if (answering === 'yes') {
    terminal.row('answer', `${first}, by --yes`);
    return { answer: first, by: '--yes' };
  }
  if (answering === 'elsewhere') {
    terminal.row('answer', `it waits for: quorate asks answer '${id}' ${choices.join(' | ')}`);
    return undefined;
  }
  return ask(choices, signal);
}

async function ask(choices: readonly string[], signal: AbortSignal): Promise<Said | undefined> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  // A terminal that is read from sends no signals.
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    for (;;) {
      const text = (await prompt.question(`[${choices.join('/')}] `, { signal })).trim();
      const found = choices.find((choice) => text !== '' && choice.startsWith(text));
      if (found !== undefined) return { answer: found, by: 'the terminal' };
    }
  } catch (error) {
    // Answered elsewhere, or this process stops.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    prompt.close();
  }
}
