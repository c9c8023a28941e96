// The file of the index: tables, and how SQLite is set. It is a projection of what lies in the sessions: one of another format, or one
// that is damaged, is removed and fills itself again.
import type { DatabaseSync } from 'node:sqlite';

/** Raised with each change of the tables: a file of another number is made anew. */
const FORMAT = 1;
const CACHE_KB = 8192;

const ADD = `INSERT INTO tally SELECT new.type, new.version, new.shown, new.value, new.waits_for, 1 WHERE new.shown <> 'gone'
  ON CONFLICT DO UPDATE SET n = n + 1;`;
const KIND =
  '(type, version, shown, value, waits_for) = (old.type, old.version, old.shown, old.value, old.waits_for)';
const REMOVE = `UPDATE tally SET n = n - 1 WHERE ${KIND}; DELETE FROM tally WHERE ${KIND} AND n = 0;`;

const TABLES = `
CREATE TABLE actor (
  key INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  life INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  /* active, done, error, stopped, or gone: forgotten, kept so that an older record does not bring it back */
  status TEXT NOT NULL,
  /* how it is shown (protocol.ts): a status says too little of an actor that stands still or waits */
  shown TEXT NOT NULL,
  value TEXT NOT NULL,
  tags TEXT NOT NULL,
  parent TEXT,
  root TEXT NOT NULL,
  tenant TEXT,
  priority TEXT,
  started_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  ended_at INTEGER,
  seen_at INTEGER NOT NULL,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  trace_id TEXT,
  code TEXT,
  message TEXT,
  quarantined_at INTEGER,
  /* open executions, as JSON */
  executions TEXT NOT NULL,
  /* agents of the tasks among them, in their order by name, each behind a comma */
  waits_for TEXT NOT NULL,
  open_since INTEGER,
  deadline_at INTEGER,
  timer_at INTEGER,
  /* the first of the two */
  due_at INTEGER,
  asks INTEGER NOT NULL,
  unsent INTEGER NOT NULL,
  exhausted_at INTEGER,
  state_bytes INTEGER,
  tokens INTEGER NOT NULL,
  micro_usd INTEGER NOT NULL,
  /* as it is searched, to know whether that changed */
  text TEXT NOT NULL
) STRICT;
CREATE INDEX actor_changed ON actor (changed_at DESC, key DESC);
CREATE INDEX actor_shown ON actor (shown, changed_at DESC, key DESC);
CREATE INDEX actor_type ON actor (type, shown, changed_at DESC, key DESC);
CREATE INDEX actor_state ON actor (type, value, changed_at DESC, key DESC);
CREATE INDEX actor_shown_started ON actor (shown, started_at DESC, key DESC);
CREATE INDEX actor_started ON actor (started_at DESC, key DESC);
CREATE INDEX actor_cost ON actor (micro_usd DESC, key DESC) WHERE micro_usd > 0;
CREATE INDEX actor_spent ON actor (tenant, type, changed_at, tokens, micro_usd) WHERE parent IS NULL AND tokens + micro_usd > 0;
CREATE INDEX actor_due ON actor (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX actor_open ON actor (open_since) WHERE open_since IS NOT NULL;
CREATE INDEX actor_root ON actor (root, changed_at DESC);
CREATE INDEX actor_parent ON actor (parent) WHERE parent IS NOT NULL;
CREATE INDEX actor_tenant ON actor (tenant, changed_at DESC) WHERE tenant IS NOT NULL;
CREATE INDEX actor_code ON actor (code, changed_at DESC) WHERE code IS NOT NULL;
CREATE INDEX actor_ended ON actor (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX actor_asks ON actor (changed_at DESC) WHERE asks > 0;
CREATE INDEX actor_exhausted ON actor (exhausted_at) WHERE exhausted_at IS NOT NULL;
CREATE VIRTUAL TABLE actor_text USING fts5(text, content='', contentless_delete=1, tokenize='trigram');
/* How many there are of each kind: counted as they come and go, so that nobody has to count 100,000 rows. */
CREATE TABLE tally (
  type TEXT NOT NULL,
  version TEXT NOT NULL,
  shown TEXT NOT NULL,
  value TEXT NOT NULL,
  waits_for TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (type, version, shown, value, waits_for)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER tally_add AFTER INSERT ON actor WHEN new.shown <> 'gone' BEGIN ${ADD} END;
CREATE TRIGGER tally_remove AFTER DELETE ON actor WHEN old.shown <> 'gone' BEGIN ${REMOVE} END;
CREATE TRIGGER tally_move AFTER UPDATE OF version, shown, value, waits_for ON actor
WHEN (old.version, old.shown, old.value, old.waits_for) <> (new.version, new.shown, new.value, new.waits_for)
BEGIN ${REMOVE} ${ADD} END;
CREATE TABLE step (
  actor INTEGER NOT NULL,
  life INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  value TEXT NOT NULL,
  effects TEXT,
  PRIMARY KEY (actor, life, turn, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_at ON step (at);
/* Turns that were told: of (after_turn, to_turn] all steps are there. */
CREATE TABLE told (
  actor INTEGER NOT NULL,
  life INTEGER NOT NULL,
  to_turn INTEGER NOT NULL,
  after_turn INTEGER NOT NULL,
  PRIMARY KEY (actor, life, to_turn)
) STRICT, WITHOUT ROWID;
CREATE TABLE process (
  id TEXT PRIMARY KEY,
  seen_at INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE machine (
  type TEXT NOT NULL,
  version TEXT NOT NULL,
  definition TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (type, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE view (name TEXT PRIMARY KEY, query TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Whether the file can be used as it is. */
export function hasFormat(db: DatabaseSync): boolean {
  return Object.values(db.prepare('PRAGMA user_version').get() ?? {})[0] === FORMAT;
}

export function createTables(db: DatabaseSync): void {
  db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${FORMAT}; COMMIT`);
}

/** What a crash takes back comes again with the next record, so a commit need not reach the disk. */
export function applySettings(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('PRAGMA synchronous = NORMAL');
  db.exec(`PRAGMA cache_size = -${CACHE_KB}`);
  db.exec('PRAGMA journal_size_limit = 16777216');
  db.exec('PRAGMA busy_timeout = 2000');
}
