// What a delivery has to remember to be repeated or undone. Written before the deed it tells of, never after.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../lib/failure.ts';
import { exists, writeAtomically } from '../lib/files.ts';
import { readJson, runFiles } from '../lib/run-folder.ts';

/** How one name of the output folder was before us. A file's bytes are kept in the run folder. */
export type Before =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string };

export interface Journal {
  /** The output folder itself, links resolved. */
  readonly target: string;
  /** Hidden, beside the target: on one file system with it, so that a rename publishes. */
  readonly staging: string;
  /** Folders that were not there, outermost first. */
  readonly made: readonly string[];
  /** End of the review as the report tells it: fixed, so that a repeated step writes the same report. */
  readonly finishedAt: number;
  /** Name -> sha256 of what is to be published; there once all is written. */
  readonly written?: Readonly<Record<string, string>>;
  /** There once everything that publishing replaces has been copied. */
  readonly before?: Readonly<Record<string, Before>>;
}

export async function readJournal(run: string): Promise<Journal | undefined> {
  return readJson<Journal>(runFiles.journal(run));
}

export async function writeJournal(run: string, journal: Journal): Promise<void> {
  const path = runFiles.journal(run);
  await mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, JSON.stringify(journal), { durable: true });
}

/** From now on no step of this delivery may go forward: one that was thought dead must not publish after the undo. */
export async function closeDelivery(run: string): Promise<void> {
  const path = runFiles.closed(run);
  await mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, 'undone\n', { durable: true });
}

export async function assertOpen(run: string): Promise<void> {
  if (await exists(runFiles.closed(run))) {
    throw new Failure('DELIVERY_CLOSED', 'this delivery has been undone; start another review');
  }
}
