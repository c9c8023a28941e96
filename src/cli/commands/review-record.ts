// The last review that was submitted from a data folder: written before its start is sent, so that the next
// process in that folder continues it instead of starting another.
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JsonObject } from '../../contract/json.ts';
import { makeFolder } from '../../storage/folder.ts';

const FILE = 'last-review.json';
const HASH_LENGTH = 6;
const MAX_NAME_LENGTH = 40;

export interface OpenReview {
  readonly id: string;
  readonly input: JsonObject;
}

export interface ReviewRecord {
  /** Runs submitted from this data folder so far. */
  readonly run: number;
  /** The one that `serve` has not seen the end of. */
  readonly open?: OpenReview;
}

/** Without a readable record the count starts anew: the start of a taken id answers 'exists', and the next is tried. */
export async function readReviewRecord(dataFolder: string): Promise<ReviewRecord> {
  try {
    const record: unknown = JSON.parse(await readFile(join(dataFolder, FILE), 'utf8'));
    return isReviewRecord(record) ? record : { run: 0 };
  } catch {
    return { run: 0 };
  }
}

/** Renamed into place: a reader never sees half of it. */
export async function writeReviewRecord(dataFolder: string, record: ReviewRecord): Promise<void> {
  makeFolder(dataFolder);
  const draft = join(dataFolder, `${FILE}.${process.pid}`);
  await writeFile(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(dataFolder, FILE));
}

/** Says which folder and which run; valid as an actor's id and as a folder's name on every platform. */
export function reviewId(folder: string, run: number): string {
  const name = basename(folder)
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .slice(0, MAX_NAME_LENGTH);
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, HASH_LENGTH);
  return `${name || 'root'}-${hash}-${run}`;
}

function isReviewRecord(value: unknown): value is ReviewRecord {
  if (typeof value !== 'object' || value === null || !('run' in value)) return false;
  if (typeof value.run !== 'number' || !Number.isSafeInteger(value.run) || value.run < 0) return false;
  return !('open' in value) || isOpenReview(value.open);
}

function isOpenReview(value: unknown): value is OpenReview {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('input' in value)) return false;
  return typeof value.id === 'string' && typeof value.input === 'object' && value.input !== null;
}
