// A data file as the broker wrote it in its first format, by SQL: with everything that a file can hold.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATA_FILE } from '../../src/store/sqlite.ts';
import { encodedMessage } from './broker-message.ts';

const APPLICATION_ID = 0x5142524b;
const FIRST_FORMAT = `
CREATE TABLE entity (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  description TEXT NOT NULL,
  ceiling INTEGER NOT NULL
);
CREATE TABLE body (id INTEGER PRIMARY KEY, shared INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX body_shared ON body (id) WHERE shared = 1;
CREATE TABLE message (
  entity INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body INTEGER NOT NULL,
  shared INTEGER NOT NULL,
  size INTEGER NOT NULL,
  enqueued INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  due INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  state INTEGER NOT NULL,
  session TEXT,
  origin INTEGER NOT NULL,
  source TEXT,
  PRIMARY KEY (entity, seq)
) WITHOUT ROWID;
CREATE TABLE session (
  entity INTEGER NOT NULL,
  id TEXT NOT NULL,
  updated INTEGER NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE duplicate (
  seen INTEGER PRIMARY KEY,
  entity INTEGER NOT NULL,
  id TEXT NOT NULL
);
`;

export const FORMER = { inbox: 1, actors: 4, events: 6, all: 7, some: 10 } as const;
const MINUTE_MS = 60_000;
const RULE = { name: 'red', filter: { kind: 'sql', expression: "color = 'red'" } };

export interface FormerFile {
  /** Messages that wait in the inbox. */
  readonly waiting: number;
  /** When the scheduled message of the inbox is due. */
  readonly dueAt: number;
  /** When the message of the inbox with the number 2 expires. */
  readonly expiresAt: number;
}

/** `waiting` plain messages beside one of each kind: expiring, deferred, scheduled, of a session, shared, dead. */
export function writeFormerFile(folder: string, now = Date.now(), waiting = 10): FormerFile {
  const db = new DatabaseSync(join(folder, DATA_FILE));
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1; ${FIRST_FORMAT}`);
  db.exec('PRAGMA journal_mode = WAL; BEGIN');
  const entity = db.prepare('INSERT INTO entity VALUES (?, ?, ?, ?, ?)');
  let lastId = 0;
  const source = (path: string, kind: string, description: object, ceiling: number) => {
    entity.run(++lastId, path, kind, JSON.stringify(description), ceiling);
    entity.run(++lastId, `${path}/$DeadLetterQueue`, 'dead-letter', '{}', 1);
    // Files from before there was forwarding have none.
    if (path !== 'actors') entity.run(++lastId, `${path}/$Transfer/$DeadLetterQueue`, 'dead-letter', '{}', 1);
  };
  source('inbox', 'queue', { name: 'inbox', requiresDuplicateDetection: true }, waiting + 1001);
  source('actors', 'queue', { name: 'actors', requiresSession: true }, 1001);
  entity.run(++lastId, 'events', 'topic', JSON.stringify({ name: 'events' }), 1001);
  source('events/Subscriptions/all', 'subscription', { name: 'all' }, 1001);
  source('events/Subscriptions/some', 'subscription', { name: 'some', rules: [RULE] }, 1001);

  const body = db.prepare('INSERT INTO body VALUES (?, ?, ?)');
  const message = db.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let lastBody = 0;
  const bytes = (text: string, shared = 0, session?: string) => {
    const encoded = encodedMessage(text, session);
    body.run(++lastBody, shared, encoded);
    return { number: lastBody, shared, size: encoded.length };
  };
  const put = (
    of: number,
    seq: number,
    { number, shared, size }: ReturnType<typeof bytes>,
    { expires = 0, due = 0, deliveries = 0, state = 0, origin = 0 } = {},
    session: string | null = null,
    from: string | null = null,
  ) =>
    message.run(of, seq, number, shared, size, now, expires, due, deliveries, state, session, origin, from);

  const expiresAt = now + MINUTE_MS;
  const dueAt = now + 2 * MINUTE_MS;
  for (let seq = 10; seq < 10 + waiting; seq += 1) put(FORMER.inbox, seq, bytes(`waiting ${seq}`));
  put(FORMER.inbox, 2, bytes('expiring'), { expires: expiresAt });
  put(FORMER.inbox, 3, bytes('deferred'), { deliveries: 2, state: 1 });
  put(FORMER.inbox, 4, bytes('scheduled'), { due: dueAt, state: 2 });
  put(FORMER.inbox + 1, 1, bytes('dead'), { deliveries: 10 }, null, 'inbox');
  put(FORMER.actors, 1, bytes('first of a', 0, 'a'), { deliveries: 1 }, 'a');
  put(FORMER.actors, 2, bytes('second of a', 0, 'a'), {}, 'a');
  put(FORMER.actors, 3, bytes('scheduled of b', 0, 'b'), { due: dueAt, state: 2 }, 'b');
  const shared = bytes('shared', 1);
  put(FORMER.all, 1, shared, { origin: 5 });
  put(FORMER.some, 1, shared, { origin: 5 });
  // Left behind by a crash.
  bytes('orphan', 1);

  const state = db.prepare('INSERT INTO session VALUES (?, ?, ?, ?)');
  state.run(FORMER.actors, 'a', now, Buffer.from('{"turn":7}'));
  state.run(FORMER.actors, 'idle', now, Buffer.alloc(20_000, 's'));
  db.prepare('INSERT INTO duplicate VALUES (?, ?, ?)').run(now * 1000, FORMER.inbox, 'seen');
  db.exec('COMMIT');
  db.close();
  return { waiting, dueAt, expiresAt };
}
