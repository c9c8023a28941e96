/** From every former format to the present one: one step a format, each in one transaction, so that a file is never between two. */
import type { DatabaseSync } from 'node:sqlite';
import { FORMAT, SCHEDULED_BYTES, SECOND_SCHEMA, SEQUENCE_BITS } from './schema.ts';

/** Until it had a number a file was empty; the first format is 1. */
const MIGRATIONS: readonly ((db: DatabaseSync) => void)[] = [inlineBodies, addScheduledBytes];

/** The oldest format that can be led to the present one. */
export const OLDEST_FORMAT = FORMAT - MIGRATIONS.length;

/** Outside of WAL, so that the format number is in the file itself and never only in its log. */
export function migrate(db: DatabaseSync, from: number): void {
  db.exec('PRAGMA journal_mode = DELETE');
  for (let format = from; format < FORMAT; format += 1) {
    db.exec('BEGIN EXCLUSIVE');
    try {
      MIGRATIONS[format - OLDEST_FORMAT]?.(db);
      db.exec(`PRAGMA user_version = ${format + 1}; COMMIT`);
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/**
 * 1 to 2: bytes move from `body` into the rows of their messages, unless several share them; counts are kept; states of
 * sessions leave the key's tree; queues for what cannot be forwarded are added where they were not yet.
 */
function inlineBodies(db: DatabaseSync): void {
  const tables = ['entity', 'body', 'message', 'session', 'duplicate'];
  db.exec('DROP INDEX body_shared');
  for (const table of tables) db.exec(`ALTER TABLE ${table} RENAME TO ${table}_1`);
  db.exec(SECOND_SCHEMA);
  db.exec(`
    INSERT INTO entity (id, path, kind, description) SELECT id, path, kind, description FROM entity_1;
    INSERT INTO entity (path, kind, description)
      SELECT e.path || '/$Transfer/$DeadLetterQueue', 'dead-letter', '{}' FROM entity_1 e
      WHERE e.kind IN ('queue', 'subscription') AND NOT EXISTS
        (SELECT 1 FROM entity_1 t WHERE lower(t.path) = lower(e.path || '/$Transfer/$DeadLetterQueue'));
    INSERT INTO tally (entity, ceiling, active, deferred, scheduled, bytes, states)
      SELECT e.id, ifnull(o.ceiling, 1),
        count(*) FILTER (WHERE m.state = 0), count(*) FILTER (WHERE m.state = 1), count(*) FILTER (WHERE m.state = 2),
        ifnull(sum(m.size) FILTER (WHERE m.state <> 2), 0),
        (SELECT ifnull(sum(length(state)), 0) FROM session_1 s WHERE s.entity = e.id)
      FROM entity e LEFT JOIN entity_1 o ON o.id = e.id LEFT JOIN message_1 m ON m.entity = e.id GROUP BY e.id;
    INSERT INTO message
      (id, state, deliveries, enqueued, expires, due, session, origin, source, hops, size, shared, bytes)
      SELECT (m.entity << ${SEQUENCE_BITS}) + m.seq, m.state, m.deliveries, m.enqueued, m.expires, m.due, m.session,
        m.origin, m.source, 0, m.size, iif(m.shared, m.body, NULL), b.bytes
      FROM message_1 m LEFT JOIN body_1 b ON b.id = m.body AND NOT m.shared ORDER BY m.entity, m.seq;
    INSERT INTO body (id, bytes) SELECT id, bytes FROM body_1
      WHERE shared AND id IN (SELECT body FROM message_1 WHERE shared) ORDER BY id;
    INSERT INTO session (entity, id, updated, state) SELECT entity, id, updated, state FROM session_1;
    INSERT INTO duplicate (entity, seen, id) SELECT entity, seen, id FROM duplicate_1 ORDER BY entity, seen;
  `);
  for (const table of tables) db.exec(`DROP TABLE ${table}_1`);
}

/** 2 to 3: what waits for its time has a size too. */
function addScheduledBytes(db: DatabaseSync): void {
  db.exec(`${SCHEDULED_BYTES}
    UPDATE tally SET scheduled_bytes = (SELECT ifnull(sum(size), 0) FROM message m
      WHERE m.entity = tally.entity AND m.due > 0 AND m.state = 2);
  `);
}
