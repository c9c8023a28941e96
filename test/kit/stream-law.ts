// What every store of streams holds to, whatever it lies in: two writers and readers at random places.
import { expect } from 'vitest';
import type { StoredRow, StreamRow, StreamStore } from '../../src/contract/stream.ts';
import type { Random } from './random.ts';

const NOW = 1_800_000_000_000;

export function rowText(id: string, n: number, v: unknown = `${id}#${n}`): string {
  const run = { id, child: 'a', execution: '1.0~12345678', attempt: 1 };
  return JSON.stringify([{ run, entries: [{ n, v }] }]);
}

export function idsIn(rows: readonly StoredRow[]): string[] {
  return rows.flatMap(({ row }) =>
    row.flatMap(({ run, entries }) => entries.map((entry) => `${run.id}#${'n' in entry ? entry.n : ''}`)),
  );
}

export async function readAll(store: StreamStore, place: string, after = 0): Promise<StoredRow[]> {
  const found: StoredRow[] = [];
  for (let head = after; ; head = found.at(-1)?.at ?? head) {
    const rows = await store.read(place, head, NOW);
    if (rows.length === 0) return found;
    found.push(...rows);
  }
}

/**
 * All rows are there, those of a writer in order, a reader that continues gets what follows, and one that is told of a row whose `from` it
 * has, has missed none.
 */
export async function holdsStreamLaw(
  stores: readonly StreamStore[],
  place: string,
  random: Random,
  appends = 60,
): Promise<void> {
  const told: { from: number; at: number; row: StreamRow }[] = [];
  const write = async (store: StreamStore, id: string): Promise<void> => {
    for (let n = 0; n < appends; n++) {
      // Some are compressed, some are not.
      const text = rowText(id, n, random.below(4) === 0 ? 'long '.repeat(500) : n);
      const { from, at } = await store.append(place, { text, writer: id, until: NOW + 60_000 }, NOW);
      told.push({ from, at, row: JSON.parse(text) as StreamRow });
    }
  };
  await Promise.all(stores.map((store, at) => write(store, `w${at}`)));
  const [first] = stores;
  if (first === undefined) throw new Error('no store');
  const whole = await readAll(first, place);
  const ids = idsIn(whole);
  expect(ids).toHaveLength(appends * stores.length);
  for (const at of stores.keys())
    expect(ids.filter((id) => id.startsWith(`w${at}#`))).toEqual(
      Array.from({ length: appends }, (_, n) => `w${at}#${n}`),
    );
  for (let tries = 0; tries < 5; tries++) {
    const at = random.below(whole.length);
    const head = whole[at]?.at ?? 0;
    expect(idsIn(await readAll(first, place, head))).toEqual(ids.slice(at + 1));
  }
  // A reader that takes what it is told where it fits, and looks where it does not, has what is there.
  const heard: string[] = [];
  let head = 0;
  for (const { from, at, row } of told) {
    if (at <= head || random.below(5) === 0) continue;
    const fits = from <= head;
    const rows = fits ? [{ at, row }] : await readAll(first, place, head);
    heard.push(...idsIn(rows));
    head = rows.at(-1)?.at ?? head;
  }
  heard.push(...idsIn(await readAll(first, place, head)));
  expect(heard).toEqual(ids);
}
