// One review of the sample application as a client sees it: submit, watch, wait, say what came of it.
import { join } from 'node:path';
import { QuorateError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { Terminal } from '../shared/terminal.ts';
import { showProgress } from './progress.ts';
import { type OpenReview, readReviewRecord, reviewId, writeReviewRecord } from './review-record.ts';

const REVIEW = 'review';
export const DEFAULT_OUT = 'quorate-report';
/** The delivery steps of the sample application, for --fail-at. */
export const DELIVERY_STEPS = ['stage', 'write', 'verify', 'publish'] as const;

/** One wait for the result; asked again until it is there. */
const RESULT_WAIT_MS = 60_000;

export interface ReviewRequest {
  /** Absolute. */
  readonly folder: string;
  readonly out: string;
  readonly failAt?: string;
}

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
    const input: JsonObject = { ...request, runId: id, runs: join(dataFolder, 'runs') };
    const review = { id, input };
    const open = keepOpen ? review : last.open;
    await writeReviewRecord(dataFolder, open === undefined ? { run } : { run, open });
    const { answer } = await runtime.client.start(REVIEW, { id, input });
    if (answer === 'started') return review;
  }
}

/** The unfinished review of the data folder, started again in case its start was lost: that is idempotent. */
export async function continueReview(runtime: Runtime): Promise<OpenReview | undefined> {
  const { open } = await readReviewRecord(runtime.info.dataFolder);
  if (open !== undefined) await runtime.client.start(REVIEW, { id: open.id, input: open.input });
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
  review: OpenReview,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<{ readonly output: unknown } | undefined> {
  const ended = new AbortController();
  const showing = showProgress({
    client: runtime.client,
    type: REVIEW,
    id: review.id,
    terminal,
    signal: AbortSignal.any([signal, ended.signal]),
  });
  try {
    return await waitForResult(runtime, review.id, signal);
  } finally {
    ended.abort();
    await showing;
  }
}

async function waitForResult(
  runtime: Runtime,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly output: unknown } | undefined> {
  while (!signal.aborted) {
    try {
      const output: unknown = await runtime.client.result(REVIEW, id, { timeoutMs: RESULT_WAIT_MS, signal });
      return { output };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof QuorateError) || error.code !== 'RESULT_TIMEOUT') throw error;
    }
  }
  return undefined;
}
