// Tells pages which rows have changed, as server-sent events: at most four a second each, addresses and no contents. A page asks for what it
// shows. One that reads slowly misses events and is told so with the next one.
import type { ServerResponse } from 'node:http';
import type { IndexRecord } from '../../contract/records.ts';
import type { Changes } from '../protocol.ts';

const EVERY_MS = 250;
const ALIVE_MS = 15_000;
const MOST_ADDRESSES = 200;
const MOST_READERS = 500;

interface Reader {
  readonly response: ServerResponse;
  /** Its socket is full: what changes meanwhile is only counted as more. */
  isBehind: boolean;
}

export interface ChangeHub {
  /** False: there are too many readers. */
  add(response: ServerResponse): boolean;
  changed(records: readonly IndexRecord[]): void;
  close(): void;
}

export function createChangeHub(): ChangeHub {
  const readers = new Set<Reader>();
  let addresses = new Set<string>();
  let hasMore = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    timer = undefined;
    const changes: Changes = { addresses: [...addresses], more: hasMore };
    addresses = new Set();
    hasMore = false;
    const frame = `data: ${JSON.stringify(changes)}\n\n`;
    const behind = `data: ${JSON.stringify({ addresses: [], more: true } satisfies Changes)}\n\n`;
    for (const reader of readers) {
      if (reader.response.writableNeedDrain) reader.isBehind = true;
      else {
        reader.response.write(reader.isBehind ? behind : frame);
        reader.isBehind = false;
      }
    }
  };
  const alive = setInterval(() => {
    for (const { response } of readers) if (!response.writableNeedDrain) response.write(': alive\n\n');
  }, ALIVE_MS).unref();

  return {
    add: (response) => {
      if (readers.size >= MOST_READERS) return false;
      const reader: Reader = { response, isBehind: false };
      readers.add(reader);
      response.once('close', () => readers.delete(reader));
      response.write(': open\n\n');
      return true;
    },
    changed: (records) => {
      if (readers.size === 0) return;
      for (const record of records) {
        if (record.kind !== 'actor' && record.kind !== 'gone') hasMore = true;
        else if (addresses.size < MOST_ADDRESSES) addresses.add(`${record.type}/${record.id}`);
        else hasMore = true;
      }
      timer ??= setTimeout(flush, EVERY_MS).unref();
    },
    close: () => {
      clearInterval(alive);
      clearTimeout(timer);
      for (const { response } of readers) response.end();
      readers.clear();
    },
  };
}
