// Pieces that agents stream, in a storage: one growing object for each place, to which all processes append, and a small one for each
// reader. An append is a line of its own, so that one that was cut by a crash spoils no other. Where an object takes no more, the next
// one continues.
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
  /** The object of a place that takes more. */
  const newest = new Map<string, number>();
  const readers = new Map<string, { readonly at: number; readonly found: readonly Reader[] }>();
  /** When the pieces of places are over whose writer was this process. */
  const ends = new Map<string, { readonly endedAt: number; readonly until: number }>();
  const attending = new Map<string, string>();

  const append = async (place: string, line: Uint8Array): Promise<{ from: number; at: number }> => {
    for (;;) {
      const k = newest.get(place) ?? 0;
      const offset = await storage.append(logOf(place, k), line);
      if (offset === undefined) return SOMEWHERE;
      if (offset !== 'full') return { from: k * SEGMENT + offset, at: k * SEGMENT + offset + line.length };
      newest.set(place, k + 1);
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
      return rows.length > 0 ? rows : rowsOf(storage, packing, place, k + 1, 0);
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
        let isOurs = true;
        for await (const { writtenAt } of storage.list(place)) isOurs &&= writtenAt <= endedAt + SKEW_MS;
        // Another process streamed there since: it removes them.
        if (isOurs) await storage.removeFolder(place);
      }
    },
  };
}

function logOf(place: string, k: number): string {
  return `${place}/log-${k}`;
}

/** Whole lines that can be read. What a crash has cut is left out. */
async function rowsOf(
  storage: Storage,
  packing: Packing,
  place: string,
  k: number,
  offset: number,
): Promise<readonly StoredRow[]> {
  const bytes = await storage.readFrom(logOf(place, k), offset, PAGE_BYTES);
  if (bytes === undefined) return [];
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
