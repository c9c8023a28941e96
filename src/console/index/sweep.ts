// Heals the index: lists the sessions of actors that have a state, and has those told again that the index may not know. A console that
// begins, one that was away, and a process that died without a word lead to a sweep; so does time. It asks at a bounded rate.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { actorQueue, REPLIES } from '../../contract/entities.ts';
import type { Bridge, Logger } from '../../contract/ports.ts';
import { PROPERTY, type WireMessage } from '../../contract/wire.ts';
import type { IndexHandle } from './calls.ts';

const PAGE = 100;
/** Nobody waits for it: what is not read in an hour is told by its next commit. */
const TIME_TO_LIVE_MS = 3_600_000;

export interface SweepOptions {
  readonly bridge: Pick<Bridge, 'listSessions' | 'publish'>;
  readonly index: Pick<IndexHandle, 'unseen' | 'known' | 'forget'>;
  readonly logger: Logger;
  readonly now: () => number;
  /** Actors asked a second. */
  readonly rate: number;
  readonly signal: AbortSignal;
}

export interface SweepRequest {
  readonly types: readonly string[];
  /** Sessions whose state was written since (epoch ms); absent: all, and rows of others are forgotten. */
  readonly since?: number;
  /** Of them, those of which nothing was told since this (epoch ms). */
  readonly unseenSince: number;
}

export interface SweepProgress {
  looked: number;
  asked: number;
  forgotten: number;
}

/** Rejects with what the bridge threw; an abort ends it without a word. */
export async function sweep(
  { bridge, index, logger, now, rate, signal }: SweepOptions,
  { types, since, unseenSince }: SweepRequest,
  progress: SweepProgress,
): Promise<void> {
  const begun = now();
  for (const type of types) {
    const found = new Set<string>();
    for (let skip = 0; ; ) {
      if (signal.aborted) return;
      const page = { skip, top: PAGE, ...(since === undefined ? {} : { updatedSince: since }) };
      const { ids, listed } = await bridge.listSessions(actorQueue(type), page);
      const addresses = ids.map((id) => `${type}/${id}`);
      if (since === undefined) for (const address of addresses) found.add(address);
      const unseen = await index.unseen(addresses, unseenSince);
      progress.looked += addresses.length;
      progress.asked += unseen.length;
      if (unseen.length > 0) {
        await bridge.publish(unseen.map((address) => toQuestion(type, address.slice(type.length + 1))));
        await sleep((unseen.length / rate) * 1_000, undefined, { signal, ref: false }).catch(() => {});
      }
      skip += listed;
      if (listed < PAGE) break;
    }
    if (since === undefined) progress.forgotten += await forgetOthers(type, found, begun);
  }
  logger.debug('the index was compared with the sessions', { ...progress });

  /** Rows of sessions that have no state any more: nobody told that they were forgotten. */
  async function forgetOthers(type: string, found: ReadonlySet<string>, before: number): Promise<number> {
    let forgotten = 0;
    for (let after = ''; ; ) {
      const known = await index.known(type, after, PAGE);
      const gone = known.filter((address) => !found.has(address));
      if (gone.length > 0) forgotten += await index.forget(gone, before, now());
      const last = known.at(-1);
      if (last === undefined || known.length < PAGE || signal.aborted) return forgotten;
      after = last;
    }
  }
}

function toQuestion(type: string, id: string): WireMessage {
  return {
    entity: actorQueue(type),
    messageId: randomUUID(),
    subject: 'query',
    sessionId: id,
    timeToLiveMs: TIME_TO_LIVE_MS,
    properties: { [PROPERTY.announce]: true },
    // Hosts of former builds answer, to nobody.
    body: { kind: 'query', asker: { entity: REPLIES, sessionId: 'console', correlationId: 'console' } },
  };
}
