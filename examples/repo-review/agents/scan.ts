// Lists what there is to review and says what it leaves out, and why.
import { lstat, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AgentContext, Json } from 'quorate';
import { errorCode, Failure } from '../lib/failure.ts';
import { isBinary, MAX_FILE_BYTES, mapLimited, openFolder } from '../lib/files.ts';
import { listFiles } from '../lib/list-files.ts';
import {
  asJson,
  dataFolder,
  readJson,
  runFiles,
  runFolderOf,
  type ScanRecord,
  type Skipped,
  writeJson,
} from '../lib/run-folder.ts';
import { parseReviewInput } from '../lib/schemas.ts';
import { countAttempt } from '../lib/usage.ts';
import type { ReviewFile, Scan } from '../protocol.ts';

/** Times the number of reviewers: the tasks of one review. */
const MAX_FILES = 10_000;
const SNIFFS_AT_ONCE = 16;

type Verdict = { readonly file: ReviewFile } | { readonly skipped: Skipped } | { readonly gone: true };

export async function scan(input: Json, context: AgentContext): Promise<Json> {
  const review = parseReviewInput(input);
  const root = await openFolder(review.folder);
  const runs = resolve(review.runs ?? join(dataFolder(), 'runs'));
  const runFolder = runFolderOf(runs, review.runId, context.key);
  // Run again after a crash, it gives the list that the first run has written down: the folder may have changed since.
  const earlier = await readJson<ScanRecord>(runFiles.scan(runFolder));
  if (earlier !== undefined) return asJson(earlier.scan);

  const startedAt = Date.now();
  const paths = (await listFiles(root, [resolve(review.out), runs, dataFolder()])).sort();
  const verdicts = await mapLimited(paths, SNIFFS_AT_ONCE, async (path, index): Promise<Verdict> => {
    context.signal.throwIfAborted();
    return index < MAX_FILES ? inspect(root, path) : { skipped: { path, why: `beyond ${MAX_FILES} files` } };
  });
  const files = verdicts.flatMap((verdict) => ('file' in verdict ? [verdict.file] : []));
  const skipped = verdicts.flatMap((verdict) => ('skipped' in verdict ? [verdict.skipped] : []));
  if (files.length === 0)
    throw new Failure('FOLDER_EMPTY', `${review.folder} holds no file that can be reviewed`);
  const found: Scan = {
    root,
    runFolder,
    today: new Date(startedAt).toISOString().slice(0, 10),
    files: await context.payloads.put(files.map(asJson)),
    fileCount: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    skippedCount: skipped.length,
    startedAt,
  };
  await mkdir(runFiles.findings(runFolder), { recursive: true });
  await writeJson(runFiles.scan(runFolder), { scan: found, skipped } satisfies ScanRecord);
  await countAttempt(runFolder, context);
  return asJson(found);
}

async function inspect(root: string, path: string): Promise<Verdict> {
  const skip = (why: string): Verdict => ({ skipped: { path, why } });
  try {
    const stats = await lstat(join(root, path));
    if (stats.isSymbolicLink()) return skip('symbolic link');
    // Another repository within this one, or a folder that cannot be read.
    if (stats.isDirectory()) return skip('folder that was not looked into');
    if (!stats.isFile()) return skip('not a file');
    if (stats.size > MAX_FILE_BYTES) return skip(`larger than ${MAX_FILE_BYTES / 1_000_000} MB`);
    if (await isBinary(join(root, path))) return skip('binary');
    return { file: { path, bytes: stats.size } };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { gone: true };
    return skip('cannot be read');
  }
}
