// What `npm run demo` runs: one review of one folder. With --fail-at a step of the delivery fails, to see it undone.
import { answeringOf, parseArguments } from './client/arguments.ts';
import { costOfReview } from './client/costs.ts';
import { endOfReview } from './client/ending.ts';
import { followReview, type ReviewContext, submitReview } from './client/review.ts';
import { openFolder } from './lib/files.ts';

const OPTIONS = ['out', 'fail-at', 'yes', 'ask'] as const;

export async function check(args: readonly string[]): Promise<void> {
  await openFolder(parseArguments(args, OPTIONS).folder);
}

export async function run({ runtime, args, signal, terminal }: ReviewContext): Promise<void> {
  const answering = answeringOf(args, OPTIONS, terminal.interactive);
  const asks = answering === undefined ? {} : { asks: true };
  const request = { ...parseArguments(args, OPTIONS), ...asks };
  const review = await submitReview(runtime, request, false);
  terminal.row('review', `${review.id} of ${request.folder}`);
  const end = await followReview(runtime, review.id, terminal, signal, answering);
  if (end === undefined) {
    terminal.line('the review is kept, and continues when a process runs on this data again');
    return;
  }
  const summary = [
    ...(await endOfReview(end, request.out)),
    ...(await costOfReview(runtime.client, review.id)),
  ];
  for (const [label, text] of summary) terminal.row(label, text);
}
