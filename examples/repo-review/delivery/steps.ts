// The four steps of a delivery. Each may run twice, die anywhere and run again, and always ends at the same place.
// `point` is called wherever a crash would matter: tests throw there.
import { lstat, mkdir, readFile, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, errorText, Failure } from '../lib/failure.ts';
import { exists, readIfThere, sha256, writeAtomically } from '../lib/files.ts';
import { runFiles } from '../lib/run-folder.ts';
import { assertOpen, type Before, type Journal, readJournal, writeJournal } from './journal.ts';

export type Point = (name: string) => void | Promise<void>;
export type Documents = Readonly<Record<string, string>>;

const STAGING_HASH_DIGITS = 12;

/** Makes the hidden folder, after writing down what was there before. */
export async function stage(
  run: string,
  out: string,
  names: readonly string[],
  now: number,
  point: Point,
): Promise<void> {
  await assertOpen(run);
  const journal = (await readJournal(run)) ?? (await openJournal(run, out, names, now));
  await point('stage:journal');
  await mkdir(journal.staging, { recursive: true }).catch(blocked(journal.staging));
  await point('stage:folder');
}

async function openJournal(
  run: string,
  out: string,
  names: readonly string[],
  now: number,
): Promise<Journal> {
  const target = await realpath(resolve(out)).catch(() => resolve(out));
  const made: string[] = [];
  for (let folder = target; !(await exists(folder)); folder = dirname(folder)) made.unshift(folder);
  if (made.length === 0 && !(await lstat(target)).isDirectory()) {
    throw new Failure('OUTPUT_BLOCKED', `${out} is not a folder`);
  }
  for (const name of names) {
    const stats = await lstat(join(target, name)).catch(() => undefined);
    if (stats === undefined || stats.isFile() || stats.isSymbolicLink()) continue;
    throw new Failure('OUTPUT_BLOCKED', `${join(out, name)} is in the way: it is not a file`);
  }
  const own = sha256(run).slice(0, STAGING_HASH_DIGITS);
  const staging = join(dirname(target), `.${basename(target)}.quorate-${own}`);
  const journal: Journal = { target, staging, made, finishedAt: now };
  await writeJournal(run, journal);
  return journal;
}

export async function write(run: string, documents: Documents, point: Point): Promise<void> {
  await assertOpen(run);
  const journal = await staged(run);
  const written: Record<string, string> = {};
  for (const [name, text] of Object.entries(documents)) {
    await writeAtomically(join(journal.staging, name), text, { durable: true });
    written[name] = sha256(text);
    await point(`write:${name}`);
  }
  await writeJournal(run, { ...journal, written });
  await point('write:journal');
}

/** `check` throws or says what is wrong with a document's content. */
export async function verify(
  run: string,
  check: (name: string, text: string, folder: string) => Promise<string | undefined>,
  point: Point,
): Promise<void> {
  await assertOpen(run);
  const { staging, written } = await staged(run);
  for (const [name, hash] of Object.entries(written ?? {})) {
    const bytes = await readIfThere(join(staging, name));
    if (bytes === undefined || sha256(bytes) !== hash) throw unverified(name, 'is not what was written');
    const wrong = await check(name, bytes.toString('utf8'), staging);
    if (wrong !== undefined) throw unverified(name, wrong);
    await point(`verify:${name}`);
  }
}

/** Copies what it will replace, then renames each document into its place. */
export async function publish(run: string, point: Point): Promise<readonly string[]> {
  await assertOpen(run);
  const journal = await staged(run);
  const written = Object.entries(journal.written ?? {});
  // Only once: after the first rename these names hold our own documents.
  if (journal.before === undefined) {
    const before = await keepBefore(run, journal.target, Object.keys(journal.written ?? {}), point);
    await writeJournal(run, { ...journal, before });
    await point('publish:journal');
  }
  await mkdir(journal.target, { recursive: true });
  await point('publish:folder');
  for (const [name, hash] of written) {
    await assertOpen(run);
    await moveIn(join(journal.staging, name), join(journal.target, name), hash, name);
    await point(`publish:${name}`);
  }
  await rm(journal.staging, { recursive: true, force: true });
  await point('publish:tidy');
  return written.map(([name]) => join(journal.target, name));
}

async function keepBefore(
  run: string,
  target: string,
  names: readonly string[],
  point: Point,
): Promise<Record<string, Before>> {
  const before: Record<string, Before> = {};
  for (const name of names) {
    const path = join(target, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined) before[name] = { kind: 'absent' };
    else if (stats.isSymbolicLink()) before[name] = { kind: 'link', target: await readlink(path) };
    else {
      const copy = runFiles.before(run, name);
      await mkdir(dirname(copy), { recursive: true });
      await writeAtomically(copy, await readFile(path), { durable: true });
      before[name] = { kind: 'file', mode: stats.mode };
    }
    await point(`publish:keep ${name}`);
  }
  return before;
}

/** A document that is no longer staged was published by an earlier run of this step. */
async function moveIn(from: string, to: string, hash: string, name: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    const there = await readFile(to).catch(() => Buffer.alloc(0));
    if (sha256(there) !== hash) throw unverified(name, 'is neither staged nor published');
  }
}

async function staged(run: string): Promise<Journal> {
  const journal = await readJournal(run);
  if (journal === undefined) throw new Failure('DELIVERY_UNVERIFIED', 'nothing has been staged');
  return journal;
}

const blocked =
  (path: string) =>
  (error: unknown): never => {
    throw new Failure(
      'OUTPUT_BLOCKED',
      `cannot write beside the output folder, ${path}: ${errorText(error)}`,
      error,
    );
  };

function unverified(name: string, why: string): Failure {
  return new Failure('DELIVERY_UNVERIFIED', `${name} ${why}`);
}
