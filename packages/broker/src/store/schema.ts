/** The file's present format; `migrations.ts` leads older files to it. */

/** "QBRK": tells this file from any other SQLite database. */
export const APPLICATION_ID = 0x5142524b;
export const FORMAT = 3;

/**
 * Bits of a message's key for its number. The others are its entity's, so that an entity's messages lie together and in
 * order.
 */
export const SEQUENCE_BITS = 42;

/**
 * A message's bytes lie in its row, so that a send and a settlement change one place; only a body that several
 * subscriptions hold lies in `body`, once. `tally` keeps what a start would have to count.
 * Columns that are mostly 0 or NULL take no space but their type's byte.
 */
export const SECOND_SCHEMA = `
CREATE TABLE entity (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  description TEXT NOT NULL
);
CREATE TABLE tally (
  entity INTEGER PRIMARY KEY,
  ceiling INTEGER NOT NULL,
  active INTEGER NOT NULL,
  deferred INTEGER NOT NULL,
  scheduled INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  states INTEGER NOT NULL
);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  entity INTEGER AS (id >> ${SEQUENCE_BITS}) VIRTUAL,
  seq INTEGER AS (id & ((1 << ${SEQUENCE_BITS}) - 1)) VIRTUAL,
  state INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  enqueued INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  due INTEGER NOT NULL,
  session TEXT,
  origin INTEGER NOT NULL,
  source TEXT,
  hops INTEGER NOT NULL,
  size INTEGER NOT NULL,
  shared INTEGER,
  bytes BLOB
);
CREATE INDEX message_session ON message (entity, session, state) WHERE session IS NOT NULL;
CREATE INDEX message_expires ON message (entity, expires) WHERE expires > 0 AND state = 0;
CREATE INDEX message_due ON message (entity, due) WHERE due > 0;
CREATE INDEX message_shared ON message (shared) WHERE shared IS NOT NULL;
CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE session (
  key INTEGER PRIMARY KEY,
  entity INTEGER NOT NULL,
  id TEXT NOT NULL,
  updated INTEGER NOT NULL,
  state BLOB NOT NULL,
  UNIQUE (entity, id)
);
CREATE TABLE duplicate (
  entity INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (entity, seen)
) WITHOUT ROWID;
`;

/** What the third format added. */
export const SCHEDULED_BYTES = 'ALTER TABLE tally ADD COLUMN scheduled_bytes INTEGER NOT NULL DEFAULT 0;';

export const SCHEMA = `${SECOND_SCHEMA}${SCHEDULED_BYTES}`;
