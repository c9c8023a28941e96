// Pieces that agents stream, as rows of the SQLite file that all hosts of a data folder share. Rows of a place have rising numbers
// that are never used again, so that a reader can say what it has. How long they are kept is said once for each writer of a place.
import type { StreamRow, StreamStore } from '../contract/stream.ts';
import type { Database } from './database.ts';
import { type Packing, unpackJson } from './packing.ts';

/** A page of a reader: some megabytes at most. */
const PAGE_ROWS = 32;
/** Removed at a time, so that nobody waits for it. */
const SWEPT_ROWS = 500;

export interface StreamTable extends StreamStore {
  removeFolder(path: string): Promise<void>;
}

export function createStreamTable(db: Database, packing: Packing): StreamTable {
  const newest = db.prepare('SELECT max(at) AS at FROM stream WHERE place = ?');
  const insert = db.prepare('INSERT INTO stream (place, writer, packed) VALUES (?, ?, ?)');
  const keep = db.prepare(
    `INSERT INTO stream_writer VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET until = excluded.until WHERE excluded.until > until`,
  );
  const shorten = db.prepare('UPDATE stream_writer SET until = ? WHERE place = ? AND writer = ?');
  const page = db.prepare(
    `SELECT at, packed FROM stream WHERE place = ?1 AND at > ?2
     AND writer IN (SELECT writer FROM stream_writer WHERE place = ?1 AND until > ?3)
     ORDER BY at LIMIT ${PAGE_ROWS}`,
  );
  const readers = db.prepare('SELECT session FROM stream_reader WHERE place = ? AND until > ?');
  const attend = db.prepare('INSERT OR REPLACE INTO stream_reader VALUES (?, ?, ?)');
  const leave = db.prepare('DELETE FROM stream_reader WHERE place = ? AND session = ?');
  const over = db.prepare('SELECT place, writer FROM stream_writer WHERE until <= ? LIMIT 1');
  const sweepRows = db.prepare(
    `DELETE FROM stream WHERE at IN
     (SELECT at FROM stream WHERE place = ? AND writer = ? LIMIT ${SWEPT_ROWS})`,
  );
  const forget = db.prepare('DELETE FROM stream_writer WHERE place = ? AND writer = ?');
  const sweepReaders = db.prepare('DELETE FROM stream_reader WHERE until <= ?');
  // Between "/" and "0" lies everything below a folder.
  const below = "place > ?1 || '/' AND place < ?1 || '0'";
  const remove = db.prepare(`DELETE FROM stream WHERE ${below}`);
  const removeWriters = db.prepare(`DELETE FROM stream_writer WHERE ${below}`);

  /** Whether there may be more. */
  const sweepSome = (now: number): boolean => {
    const found = over.get(now) as { place: string; writer: string } | undefined;
    if (found === undefined) return false;
    const { changes } = sweepRows.run(found.place, found.writer);
    if (Number(changes) < SWEPT_ROWS) forget.run(found.place, found.writer);
    return true;
  };

  return {
    append: async (place, { text, writer, until }, now) => {
      const packed = await packing.pack(Buffer.from(text));
      let appended = { from: 0, at: 0, readers: [] as readonly string[] };
      await db.together(() => {
        const from = Number(newest.get(place)?.['at'] ?? 0);
        const at = Number(insert.run(place, writer, packed).lastInsertRowid);
        keep.run(place, writer, Math.ceil(until));
        appended = { from, at, readers: readers.all(place, now).map(({ session }) => String(session)) };
      });
      return appended;
    },
    expire: (place, writer, until) => db.together(() => void shorten.run(Math.ceil(until), place, writer)),
    read: async (place, after, now) => {
      const rows = await db.now(() => page.all(place, after, now) as { at: number; packed: Uint8Array }[]);
      return Promise.all(
        rows.map(async ({ at, packed }) => ({
          at,
          row: (await unpackJson(packing, packed)) as unknown as StreamRow,
        })),
      );
    },
    attend: (place, session, until) => db.together(() => void attend.run(place, session, Math.ceil(until))),
    leave: (place, session) => db.together(() => void leave.run(place, session)),
    sweep: async (now) => {
      const sweep = { isMore: true };
      while (sweep.isMore)
        await db.together(() => {
          sweep.isMore = sweepSome(now);
        });
      await db.together(() => void sweepReaders.run(now));
    },
    removeFolder: (path) =>
      db.together(() => {
        remove.run(path);
        removeWriters.run(path);
      }),
  };
}
