// Gathers the records of a process and sends them packed: at most four bodies a second, each within the 64 KB that are one operation of
// Service Bus, whatever the number of turns. Records are absolute: where they come faster than that the later one of an actor takes
// the place of the earlier one, and its steps are added to it. What cannot be sent is dropped: the index is healed otherwise.
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { RECORDS_TOPIC } from '../../../contract/entities.ts';
import type { Bridge, Clock, Logger } from '../../../contract/ports.ts';
import type { ActorRecord, GoneRecord, IndexRecord } from '../../../contract/records.ts';
import { RECORDS, type RecordsBody, type WireMessage } from '../../../contract/wire.ts';
import { goneRecord, MOST_STEPS, type RecordSink, recordOf } from './record.ts';

const deflate = promisify(deflateRaw);

const EVERY_MS = 250;
/** Of JSON in one body. Deflated and in base64 it takes less than a third of it, and what cannot be deflated still fits. */
const MOST_JSON = 128 * 1024;
/** Actors of which a record waits. */
const MOST_WAITING = 20_000;
/** A console that is away for longer has to look for itself. */
const TIME_TO_LIVE_MS = 3_600_000;

export interface RecordPackerOptions {
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The process. */
  readonly host: string;
}

export interface RecordPacker extends RecordSink {
  /** Of anything but actors: sent with the next body. */
  tell(record: Exclude<IndexRecord, ActorRecord | GoneRecord>): void;
  /** Sends what waits, and takes no more. */
  close(): Promise<void>;
}

export function createRecordPacker({ bridge, clock, logger, host }: RecordPackerOptions): RecordPacker {
  /** By actor, the one that has waited for longest first. */
  const actors = new Map<string, ActorRecord | GoneRecord>();
  const others: IndexRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<boolean> | undefined;
  let isFailing = false;
  let isClosed = false;

  const later = (): void => {
    if (timer !== undefined || sending !== undefined || isClosed) return;
    timer = setTimeout(() => {
      timer = undefined;
      sending = send().finally(() => {
        sending = undefined;
        if (actors.size + others.length > 0) later();
      });
    }, EVERY_MS).unref();
  };
  const add = (record: ActorRecord | GoneRecord): void => {
    const key = `${record.type}/${record.id}`;
    const earlier = actors.get(key);
    actors.set(key, earlier === undefined ? record : merge(earlier, record));
    // The rows of the others are right without it, and its own comes with its next commit.
    if (actors.size > MOST_WAITING) for (const oldest of actors.keys()) return void actors.delete(oldest);
    later();
  };
  /** As JSON, each once: the oldest that fit in one body. */
  const take = (): string[] => {
    const taken: string[] = [];
    let size = 0;
    const fits = (text: string): boolean => {
      size += text.length;
      if (size > MOST_JSON && taken.length > 0) return false;
      taken.push(text);
      return true;
    };
    for (let next = others[0]; next !== undefined; next = others[0]) {
      if (!fits(JSON.stringify(next))) return taken;
      others.shift();
    }
    for (const [key, record] of actors) {
      if (!fits(JSON.stringify(record))) break;
      actors.delete(key);
    }
    return taken;
  };
  /** False: they could not be sent, and are dropped. */
  const send = async (): Promise<boolean> => {
    const records = take();
    if (records.length === 0) return true;
    try {
      await bridge.publish([await toMessage(records)]);
      isFailing = false;
    } catch (error) {
      if (!isFailing) logger.warn(`the index of consoles is not told: ${String(error)}`);
      isFailing = true;
    }
    return !isFailing;
  };

  return {
    committed: (committed) => {
      const record = recordOf({ ...committed, host, now: clock.now() });
      if (record !== undefined) add(record);
    },
    gone: (actor, last) => add(goneRecord(actor, last, clock.now())),
    tell: (record) => {
      others.push(record);
      later();
    },
    close: async () => {
      clearTimeout(timer);
      isClosed = true;
      await sending;
      while (actors.size + others.length > 0) if (!(await send())) return;
    },
  };
}

async function toMessage(records: readonly string[]): Promise<WireMessage> {
  const packed = (await deflate(`[${records.join()}]`, { level: 1 })).toString('base64');
  const body: RecordsBody = { kind: 'records', packed };
  return {
    entity: RECORDS_TOPIC,
    messageId: randomUUID(),
    subject: RECORDS,
    timeToLiveMs: TIME_TO_LIVE_MS,
    body: { ...body },
  };
}

/** The later one, with the steps of both, of one life. */
export function merge(
  earlier: ActorRecord | GoneRecord,
  later: ActorRecord | GoneRecord,
): ActorRecord | GoneRecord {
  if (earlier.kind === 'gone' || later.kind === 'gone' || earlier.life !== later.life) return later;
  const steps = [...earlier.steps, ...later.steps];
  const cut = Math.max(0, steps.length - MOST_STEPS);
  const moreSteps = cut + (earlier.moreSteps ?? 0) + (later.moreSteps ?? 0);
  const { stateBytes = earlier.stateBytes } = later;
  return {
    ...later,
    prevTurn: earlier.prevTurn,
    steps: steps.slice(cut),
    ...(stateBytes === undefined ? {} : { stateBytes }),
    ...(moreSteps === 0 ? {} : { moreSteps }),
  };
}
