// The last review that was submitted from a data folder: written before its start is sent, so that the next
// process in that folder continues it instead of starting another.
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { sha256, writeAtomically } from '../lib/files.ts';
import { readJson } from '../lib/run-folder.ts';
import { reviewInputSchema } from '../lib/schemas.ts';
import type { ReviewInput } from '../protocol.ts';

const FILE = 'last-review.json';
const HASH_LENGTH = 6;
const MAX_NAME_LENGTH = 40;

export interface OpenReview {
  readonly id: string;
  readonly input: ReviewInput;
}

export interface ReviewRecord {
  /** Runs submitted from this data folder so far. */
  readonly run: number;
  /** The one whose end `npm start` has not seen. */
  readonly open?: OpenReview;
}

const recordSchema = z.object({
  run: z.int().min(0),
  open: z.object({ id: z.string(), input: reviewInputSchema }).optional(),
});

/** Without a readable record the count starts anew: the start of a taken id answers 'exists', and the next is tried. */
export async function readReviewRecord(dataFolder: string): Promise<ReviewRecord> {
  const record = await readJson<ReviewRecord>(join(dataFolder, FILE)).catch(() => undefined);
  return record !== undefined && recordSchema.safeParse(record).success ? record : { run: 0 };
}

/** For its owner alone, as all that lies in the data folder. */
export async function writeReviewRecord(dataFolder: string, record: ReviewRecord): Promise<void> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await writeAtomically(join(dataFolder, FILE), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
}

/** Says which folder and which run; valid as an actor's id and as a folder's name on every platform. */
export function reviewId(folder: string, run: number): string {
  const name = basename(folder)
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .slice(0, MAX_NAME_LENGTH);
  return `${name || 'root'}-${sha256(folder).slice(0, HASH_LENGTH)}-${run}`;
}
