// Pieces that agents stream, in a storage: one growing object for each place, to which all processes append, and a small one for each
// reader. An append is a line of its own, so that one that was cut by a crash spoils no other. Where an object takes no more, or
// is removed because all in it is over, the next one continues: numbers of a place only rise.
import type { Storage } from '../contract/payload.ts';
import type { StoredRow, StreamRow, StreamStore } from '../contract/stream.ts';
import { type Packing, unpackJson } from './packing.ts';

/** Numbers of an object begin at a multiple of it; its bytes count from there. */
const SEGMENT = 2 ** 36;
/** Of a reader; more than the longest line. */
const PAGE_BYTES = 512 * 1024;
/** How long a list of readers counts: until then a new one looks by itself. */
const READERS_MS = 1_000;
/** Where a storage cannot say it. */
const SOMEWHERE = { from: Number.MAX_SAFE_INTEGER, at: Number.MAX_SAFE_INTEGER };
/** Clocks of storage and process differ by less. */
const SKEW_MS = 60_000;
const NEWLINE = 10;

interface Reader {
  readonly session: string;
  readonly until: number;
}

export function createStreamFiles(storage: Storage, packing: Packing): StreamStore {
  /** The object of a place that takes more; `isNew`: it may have to be made. */
  const newest = new Map<string, Newest>();
  const readers = new Map<string, { readonly at: number; readonly found: readonly Reader[] }>();
  /** When the pieces of places are over whose writer was this process. */
  const ends = new Map<string, { readonly endedAt: number; readonly until: number }>();
  const attending = new Map<string, string>();

  const append = async (place: string, line: Uint8Array): Promise<{ from: number; at: number }> => {
    for (;;) {
      const { k, isNew } = newest.get(place) ?? (await newestOf(storage, place));
      const appended = await storage.append(logOf(place, k), line, isNew);
      if (appended.kind === 'full') newest.set(place, { k: k + 1, isNew: true });
      // Another process has removed it.
      else if (appended.kind === 'missing') newest.delete(place);
      else {
        newest.set(place, { k, isNew: false });
        if (appended.at === undefined) return SOMEWHERE;
        const from = k * SEGMENT + appended.at;
        return { from, at: from + line.length };
      }
    }
  };
  const readersOf = async (place: string, now: number): Promise<readonly string[]> => {
    let known = readers.get(place);
    if (known === undefined || now - known.at >= READERS_MS || now < known.at) {
      const found: Reader[] = [];
      for await (const { path } of storage.list(`${place}/readers`)) {
        const [until = '', ...session] = path.slice(path.lastIndexOf('/') + 1).split('.');
        found.push({ session: session.join('.'), until: Number(until) });
      }
      known = { at: now, found };
      readers.set(place, known);
    }
    return [...new Set(known.found.filter(({ until }) => until > now).map(({ session }) => session))];
  };
  const leave = async (place: string, session: string): Promise<void> => {
    const path = attending.get(`${place} ${session}`);
    attending.delete(`${place} ${session}`);
    if (path !== undefined) await storage.remove(path);
  };

  return {
    append: async (place, { text }, now) => {
      ends.delete(place);
      const packed = await packing.pack(Buffer.from(text));
      const where = await append(place, Buffer.from(`\n${Buffer.from(packed).toString('base64')}\n`));
      return { ...where, readers: await readersOf(place, now).catch(() => []) };
    },
    expire: async (place, _writer, until) => {
      ends.set(place, { endedAt: Date.now(), until });
      readers.delete(place);
      newest.delete(place);
    },
    read: async (place, after) => {
      const k = Math.floor(after / SEGMENT);
      const rows = await rowsOf(storage, packing, place, k, after % SEGMENT);
      if (rows !== undefined && rows.length > 0) return rows;
      // What was there is full, or over.
      const next = rows === undefined ? (await segmentsOf(storage, place)).find((one) => one > k) : k + 1;
      return (next === undefined ? undefined : await rowsOf(storage, packing, place, next, 0)) ?? [];
    },
    attend: async (place, session, until) => {
      const path = `${place}/readers/${Math.ceil(until)}.${session}`;
      await storage.write(path, Buffer.from('1'));
      await leave(place, session);
      attending.set(`${place} ${session}`, path);
    },
    leave,
    sweep: async (now) => {
      for (const [place, { endedAt, until }] of ends) {
        if (until > now) continue;
        ends.delete(place);
        const found: string[] = [];
        let isOurs = true;
        for await (const { path, writtenAt } of storage.list(place)) {
          found.push(path);
          isOurs &&= path.includes('/readers/') || writtenAt <= endedAt + SKEW_MS;
        }
        // Else another process has streamed there since, and removes them.
        if (isOurs) await removeLogs(storage, place, found, now);
      }
    },
  };
}

function logOf(place: string, k: number): string {
  return `${place}/log-${k}`;
}

interface Newest {
  readonly k: number;
  readonly isNew: boolean;
}

/** Numbers of the objects of a place, in order. */
async function segmentsOf(storage: Storage, place: string): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const { path } of storage.list(place)) {
    const [, k] = /\/log-(\d+)$/.exec(path) ?? [];
    if (k !== undefined) found.push(Number(k));
  }
  return found.toSorted((a, b) => a - b);
}

/** None but the first is made unasked: it would lie before what readers have. */
async function newestOf(storage: Storage, place: string): Promise<Newest> {
  const k = (await segmentsOf(storage, place)).at(-1);
  return { k: k ?? 0, isNew: k === undefined };
}

/** What comes later lies behind all that was there: an empty object says where. Readers whose lease is over go too. */
async function removeLogs(
  storage: Storage,
  place: string,
  found: readonly string[],
  now: number,
): Promise<void> {
  const { k, isNew } = await newestOf(storage, place);
  if (!isNew) await storage.append(logOf(place, k + 1), Buffer.from('\n'), true);
  for (const path of found) {
    const [, until] = /\/readers\/(\d+)\.[^/]*$/.exec(path) ?? [];
    if (until === undefined || Number(until) <= now) await storage.remove(path);
  }
}

/** Whole lines that can be read; what a crash has cut is left out. Undefined: there is no such object. */
async function rowsOf(
  storage: Storage,
  packing: Packing,
  place: string,
  k: number,
  offset: number,
): Promise<readonly StoredRow[] | undefined> {
  const bytes = await storage.readFrom(logOf(place, k), offset, PAGE_BYTES);
  if (bytes === undefined) return undefined;
  const rows: StoredRow[] = [];
  let begin = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; ) {
    const line = Buffer.from(bytes.subarray(begin, end)).toString('latin1');
    begin = end + 1;
    end = bytes.indexOf(NEWLINE, begin);
    const row = line === '' ? undefined : await readLine(packing, line);
    if (row !== undefined) rows.push({ at: k * SEGMENT + offset + begin, row });
  }
  return rows;
}

async function readLine(packing: Packing, line: string): Promise<StreamRow | undefined> {
  try {
    return (await unpackJson(packing, Buffer.from(line, 'base64'))) as unknown as StreamRow;
  } catch {
    return undefined;
  }
}
