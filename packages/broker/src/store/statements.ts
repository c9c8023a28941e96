/** Statements on everything but messages: entities, states of sessions, ids that have been seen. */
import type { DatabaseSync } from 'node:sqlite';
import { prepare, type Row, toBuffer } from './database.ts';
import { SEQUENCE_BITS } from './schema.ts';
import type { EntityRow, Store } from './store.ts';
import type { Tallies } from './tallies.ts';

type EntityStore = Pick<
  Store,
  'putEntity' | 'removeEntity' | 'purgeRemoved' | 'lastEntity' | 'setCeiling' | 'entities' | 'tally'
>;
type SessionStore = Pick<
  Store,
  'setSessionState' | 'sessionState' | 'countSessions' | 'sessionStateSize' | 'sessions'
>;
type DuplicateStore = Pick<Store, 'insertDuplicate' | 'purgeDuplicates' | 'duplicates' | 'duplicate'>;

const OF_ENTITY = `id >= ?1 << ${SEQUENCE_BITS} AND id < (?1 + 1) << ${SEQUENCE_BITS}`;

export function entityStatements(db: DatabaseSync, dropBody: (id: number) => void): EntityStore {
  const put = prepare(
    db,
    'INSERT INTO entity (id, path, kind, description) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET description = excluded.description',
  );
  const putTally = prepare(db, 'INSERT INTO tally VALUES (?, ?, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING');
  const remove = prepare(db, "UPDATE entity SET kind = 'removed', path = ?2, description = '' WHERE id = ?1");
  const removed = prepare(db, "SELECT id FROM entity WHERE kind = 'removed' LIMIT 1");
  const purge = prepare(
    db,
    `DELETE FROM message WHERE id IN (SELECT id FROM message WHERE ${OF_ENTITY} ORDER BY id LIMIT ?2) RETURNING shared`,
  );
  const purgeRest = [
    'DELETE FROM session WHERE key IN (SELECT key FROM session WHERE entity = ?1 LIMIT ?2)',
    'DELETE FROM duplicate WHERE entity = ?1 AND seen IN (SELECT seen FROM duplicate WHERE entity = ?1 LIMIT ?2)',
  ].map((sql) => prepare(db, sql));
  const forget = ['DELETE FROM tally WHERE entity = ?', 'DELETE FROM entity WHERE id = ?'].map((sql) =>
    prepare(db, sql),
  );
  const last = prepare(db, 'SELECT max(id) FROM entity');
  const setCeiling = prepare(db, 'UPDATE tally SET ceiling = ? WHERE entity = ?');
  const entities = prepare(
    db,
    "SELECT id, path, kind, description, ceiling FROM entity JOIN tally ON entity = id WHERE kind <> 'removed' ORDER BY id",
  );
  const tally = prepare(
    db,
    'SELECT active, deferred, scheduled, bytes, scheduled_bytes, states FROM tally WHERE entity = ?',
  );
  return {
    putEntity(e) {
      put.run(e.id, e.path, e.kind, e.description);
      putTally.run(e.id, e.ceiling);
    },
    // Its number stays taken until nothing is left under it.
    removeEntity: (id) => void remove.run(id, `removed ${id}`),
    purgeRemoved(rows) {
      const id = removed.get()?.[0] as number | undefined;
      if (id === undefined) return false;
      const messages = purge.all(id, rows);
      for (const [shared] of messages) if (shared !== null) dropBody(Number(shared));
      const counts = purgeRest.map((statement) => Number(statement.run(id, rows).changes));
      if (Math.max(messages.length, ...counts) < rows) for (const statement of forget) statement.run(id);
      return true;
    },
    lastEntity: () => Number(last.get()?.[0] ?? 0),
    setCeiling: (entity, ceiling) => void setCeiling.run(ceiling, entity),
    entities: () => entities.all().map(toEntity),
    tally(entity) {
      const row = (tally.get(entity) ?? []).map(Number);
      const [active = 0, deferred = 0, scheduled = 0, bytes = 0, scheduledBytes = 0, stateBytes = 0] = row;
      return { active, deferred, scheduled, bytes, scheduledBytes, stateBytes };
    },
  };
}

export function sessionStatements(db: DatabaseSync, tallies: Tallies): SessionStore {
  const set = prepare(
    db,
    'INSERT INTO session (entity, id, updated, state) VALUES (?, ?, ?, ?) ON CONFLICT (entity, id) DO UPDATE SET updated = excluded.updated, state = excluded.state',
  );
  const clear = prepare(db, 'DELETE FROM session WHERE entity = ? AND id = ?');
  const state = prepare(db, 'SELECT state FROM session WHERE entity = ? AND id = ?');
  const size = prepare(db, 'SELECT length(state) FROM session WHERE entity = ? AND id = ?');
  const withMessages =
    'SELECT DISTINCT session FROM message WHERE entity = ?1 AND session IS NOT NULL AND state < 2';
  const count = prepare(
    db,
    `SELECT (SELECT count(*) FROM session WHERE entity = ?1) + (SELECT count(*) FROM (${withMessages}) found
      WHERE NOT EXISTS (SELECT 1 FROM session s WHERE s.entity = ?1 AND s.id = found.session))`,
  );
  const all = prepare(
    db,
    `SELECT id FROM session WHERE entity = ?1 UNION ${withMessages} ORDER BY 1 LIMIT ?2 OFFSET ?3`,
  );
  const updated = prepare(
    db,
    'SELECT id FROM session WHERE entity = ?1 AND updated > ?4 ORDER BY id LIMIT ?2 OFFSET ?3',
  );
  const sizeOf = (entity: number, id: string) => Number(size.get(entity, id)?.[0] ?? 0);
  return {
    setSessionState(entity, id, value, at) {
      const grown = (value?.length ?? 0) - sizeOf(entity, id);
      if (value) set.run(entity, id, at, value);
      else clear.run(entity, id);
      tallies.addStates(entity, grown);
      return grown;
    },
    sessionState: (entity, id) => toBuffer(state.get(entity, id)?.[0]),
    sessionStateSize: sizeOf,
    countSessions: (entity) => Number(count.get(entity)?.[0] ?? 0),
    sessions: (entity, after, skip, top) =>
      (after === undefined ? all.all(entity, top, skip) : updated.all(entity, top, skip, after)).map(([id]) =>
        String(id),
      ),
  };
}

export function duplicateStatements(db: DatabaseSync): DuplicateStore {
  const insert = prepare(db, 'INSERT INTO duplicate (entity, seen, id) VALUES (?, ?, ?)');
  const purge = prepare(db, 'DELETE FROM duplicate WHERE entity = ? AND seen <= ?');
  const after = prepare(db, 'SELECT seen, id FROM duplicate WHERE entity = ? AND seen > ? ORDER BY seen');
  const one = prepare(db, 'SELECT id FROM duplicate WHERE entity = ? AND seen = ?');
  return {
    insertDuplicate: (entity, seenAt, id) => void insert.run(entity, seenAt, id),
    purgeDuplicates: (entity, upTo) => void purge.run(entity, upTo),
    *duplicates(entity, instant) {
      for (const [seen, id] of after.each(entity, instant)) yield { seenAt: Number(seen), id: String(id) };
    },
    duplicate(entity, seenAt) {
      const row = one.get(entity, seenAt);
      return row && String(row[0]);
    },
  };
}

function toEntity([id, path, kind, description, ceiling]: Row): EntityRow {
  return {
    id: Number(id),
    path: String(path),
    kind: kind as EntityRow['kind'],
    description: String(description),
    ceiling: Number(ceiling),
  };
}
