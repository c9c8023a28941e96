// What `npm start` runs once the application is ready: the review that an earlier process left unfinished, or else a new one.
// The application serves on afterwards.
import { answeringOf, parseArguments } from './client/arguments.ts';
import { costOfReview } from './client/costs.ts';
import { endOfReview } from './client/ending.ts';
import {
  closeReview,
  continueReview,
  followReview,
  type ReviewContext,
  submitReview,
} from './client/review.ts';
import { openFolder } from './lib/files.ts';

const OPTIONS = ['out', 'yes', 'ask'] as const;

export async function check(args: readonly string[]): Promise<void> {
  await openFolder(parseArguments(args, OPTIONS).folder);
}

export async function run({ runtime, args, signal, terminal }: ReviewContext): Promise<void> {
  const answering = answeringOf(args, OPTIONS, terminal.interactive);
  const asks = answering === undefined ? {} : { asks: true };
  const request = { ...parseArguments(args, OPTIONS), ...asks };
  const unfinished = await continueReview(runtime);
  const current = unfinished ?? (await submitReview(runtime, request, true));
  const { folder, out } = current.input;
  terminal.row('review', `${current.id} of ${folder}${unfinished === undefined ? '' : ' (continued)'}`);
  try {
    const end = await followReview(runtime, current.id, terminal, signal, answering);
    if (end === undefined) return;
    const summary = [...(await endOfReview(end, out)), ...(await costOfReview(runtime.client, current.id))];
    for (const [label, text] of summary) terminal.row(label, text);
  } catch (error) {
    await closeReview(runtime);
    throw error;
  }
  await closeReview(runtime);
}
