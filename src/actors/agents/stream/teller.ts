// Tells readers of new pieces, over the queue of replies: one message for each client, with what is new in all that it reads. One
// send is under way at a time; what comes meanwhile goes with the next one, and where it is much, readers fetch it themselves.
import { randomUUID } from 'node:crypto';
import type { Bridge, Logger } from '../../../contract/ports.ts';
import type { Appended, StreamRow } from '../../../contract/stream.ts';
import type { WireMessage } from '../../../contract/wire.ts';
import { type StreamNews, toNewsMessage } from '../../protocol/streams.ts';

/** Rows of a message, as JSON. */
const MAX_NEWS_BYTES = 160 * 1024;
/** For one client, until they have left. */
const MAX_WAITING_BYTES = 1024 * 1024;

export interface Teller {
  tell(appended: Appended, tag: string, row: StreamRow): void;
  idle(): Promise<void>;
}

interface TellerOptions {
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly logger: Logger;
}

interface Mail {
  news: { readonly one: StreamNews; readonly bytes: number }[];
  bytes: number;
}

export function createTeller({ bridge, logger }: TellerOptions): Teller {
  const mails = new Map<string, Mail>();
  let sending: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    // What is appended in the same moment goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (mails.size > 0) {
      const messages = [...mails].flatMap(([session, { news }]) => toMessages(session, news));
      mails.clear();
      try {
        await bridge.publish(messages);
      } catch (error) {
        logger.debug('readers of streams were not told', { reason: String(error) });
      }
    }
    // Together with the last look: what is told from now on begins anew.
    sending = undefined;
  };

  return {
    tell: ({ from, at, readers }, tag, row) => {
      const bytes = JSON.stringify(row).length;
      for (const session of readers) {
        const mail = mails.get(session) ?? { news: [], bytes: 0 };
        mails.set(session, mail);
        const isTooMuch = mail.bytes + bytes > MAX_WAITING_BYTES;
        if (isTooMuch) mail.news = mail.news.filter(({ one }) => one.tag !== tag);
        const one = { tag, from, at, ...(isTooMuch ? {} : { row }) };
        mail.news.push({ one, bytes: isTooMuch ? 0 : bytes });
        mail.bytes += isTooMuch ? 0 : bytes;
      }
      sending ??= send();
    },
    idle: async () => sending,
  };
}

function toMessages(session: string, news: Mail['news']): WireMessage[] {
  const messages: WireMessage[] = [];
  let part: StreamNews[] = [];
  let bytes = 0;
  const close = (): void => {
    if (part.length > 0) messages.push(toNewsMessage(session, part, randomUUID()));
    part = [];
    bytes = 0;
  };
  for (const { one, bytes: more } of news) {
    if (bytes + more > MAX_NEWS_BYTES) close();
    part.push(one);
    bytes += more;
  }
  close();
  return messages;
}
