/** The file's format. A body is stored once however many subscriptions hold the message. */

/** "QBRK": tells this file from any other SQLite database. */
export const APPLICATION_ID = 0x5142524b;
export const FORMAT = 1;

export const SCHEMA = `
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
