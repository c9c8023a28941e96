// One review as a client sees it: submit it or continue it, watch it, wait for its end.
import { join } from 'node:path';
import type { RunContext, RunTerminal } from 'quorate';
import { errorCode } from '../lib/failure.ts';
import { modelFrom } from '../lib/model.ts';
import type { ReviewOutput } from '../protocol.ts';
import type { config } from '../quorate.config.ts';
import type { Answering, ReviewRequest } from './arguments.ts';
import { showProgress } from './progress.ts';
import { answerQuestions } from './questions.ts';
import { type OpenReview, readReviewRecord, reviewId, writeReviewRecord } from './record.ts';
import { showSaying } from './saying.ts';

export type ReviewContext = RunContext<typeof config>;
type Runtime = ReviewContext['runtime'];

const REVIEW = 'review';

/** One wait for the result; asked again until it is there. */
const RESULT_WAIT_MS = 60_000;
const QUERY_TIMEOUT_MS = 5_000;

/**
 * Starts a new run. With `keepOpen` the record says so before the start is sent: a crash in between leaves a review
 * that the next process starts.
 */
export async function submitReview(
  runtime: Runtime,
  request: ReviewRequest,
  keepOpen: boolean,
): Promise<OpenReview> {
  const { dataFolder } = runtime.info;
  for (;;) {
    const last = await readReviewRecord(dataFolder);
    const run = last.run + 1;
    const id = reviewId(request.folder, run);
    const review = { id, input: { ...request, runId: id, runs: join(dataFolder, 'runs') } };
    const open = keepOpen ? review : last.open;
    await writeReviewRecord(dataFolder, open === undefined ? { run } : { run, open });
    const { answer } = await runtime.client.start(REVIEW, review);
    if (answer === 'started') return review;
  }
}

/** The unfinished review of the data folder, started again in case its start was lost: that is idempotent. */
export async function continueReview(runtime: Runtime): Promise<OpenReview | undefined> {
  const { open } = await readReviewRecord(runtime.info.dataFolder);
  if (open !== undefined) await runtime.client.start(REVIEW, open);
  return open;
}

export async function closeReview(runtime: Runtime): Promise<void> {
  const { dataFolder } = runtime.info;
  const { run } = await readReviewRecord(dataFolder);
  await writeReviewRecord(dataFolder, { run });
}

/** Shows progress until the review ends. Throws its error; gives undefined when `signal` aborts first. */
export async function followReview(
  runtime: Runtime,
  id: string,
  terminal: RunTerminal,
  signal: AbortSignal,
  answering?: Answering,
): Promise<ReviewOutput | undefined> {
  const { client } = runtime;
  const ended = new AbortController();
  const watched = AbortSignal.any([signal, ended.signal]);
  const options = { timeoutMs: QUERY_TIMEOUT_MS, signal: watched };
  const showing = showProgress(() => client.query(REVIEW, id, options), terminal, watched);
  const asking =
    answering === undefined ? undefined : answerQuestions(runtime, id, answering, terminal, watched);
  const saying = modelFrom(process.env) === undefined ? undefined : showSaying(client, id, terminal, watched);
  saying?.catch((error: unknown) => terminal.line(String(error)));
  // What the review ends with says more than why nobody can be asked.
  asking?.catch((error: unknown) => terminal.line(String(error)));
  try {
    while (!signal.aborted) {
      try {
        return await client.result(REVIEW, id, { timeoutMs: RESULT_WAIT_MS, signal });
      } catch (error) {
        if (!signal.aborted && errorCode(error) !== 'RESULT_TIMEOUT') throw error;
      }
    }
    return undefined;
  } finally {
    ended.abort();
    await showing;
    await saying?.catch(() => {});
  }
}
