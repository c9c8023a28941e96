/** Statements on messages and the bodies that several of them share. */
import type { DatabaseSync } from 'node:sqlite';
import { prepare, type Row, toBuffer } from './database.ts';
import { SEQUENCE_BITS } from './schema.ts';
import type { FullMessage, Store, StoredState } from './store.ts';
import type { Tallies } from './tallies.ts';

type MessageStore = Pick<
  Store,
  | 'insertBody'
  | 'lastBody'
  | 'insertMessage'
  | 'deleteMessage'
  | 'setDelivery'
  | 'bytes'
  | 'message'
  | 'messagesFrom'
  | 'activeAfter'
  | 'expired'
  | 'nextExpiry'
  | 'due'
  | 'nextDue'
>;

const STATES: readonly StoredState[] = [0, 1, 2];
const KEY = `(?1 << ${SEQUENCE_BITS}) + ?2`;
const END = `(?1 + 1) << ${SEQUENCE_BITS}`;
const FIELDS = 'state, deliveries, enqueued, expires, due, session, origin, source, hops, size, shared';
const SELECT = `SELECT entity, seq, ${FIELDS}, ifnull(bytes, (SELECT b.bytes FROM body b WHERE b.id = shared)) FROM message`;

/** Unless somebody holds it. */
export function prepareDropBody(db: DatabaseSync): (id: number) => void {
  const drop = prepare(
    db,
    'DELETE FROM body WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM message WHERE shared = ?1)',
  );
  return (id) => void drop.run(id);
}

export function messageStatements(db: DatabaseSync, tallies: Tallies): MessageStore {
  const insertBody = prepare(db, 'INSERT INTO body (id, bytes) VALUES (?, ?)');
  const lastBody = prepare(db, 'SELECT max(id) FROM body');
  const dropBody = prepareDropBody(db);
  const insert = prepare(
    db,
    `INSERT INTO message (id, ${FIELDS}, bytes) VALUES (${KEY}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = prepare(db, `DELETE FROM message WHERE id = ${KEY}`);
  const setDelivery = prepare(db, `UPDATE message SET deliveries = ?3, state = ?4 WHERE id = ${KEY}`);
  const ownBytes = prepare(db, `SELECT bytes FROM message WHERE id = ${KEY}`);
  const sharedBytes = prepare(db, 'SELECT bytes FROM body WHERE id = ?');
  const one = prepare(db, `${SELECT} WHERE id = ${KEY}`);
  const from = prepare(db, `${SELECT} WHERE id >= ${KEY} AND id < ${END} ORDER BY id LIMIT ?3`);
  const after = prepare(db, `${SELECT} WHERE id > ${KEY} AND id < ${END} AND state = 0 ORDER BY id LIMIT ?3`);
  const afterOfSession = prepare(
    db,
    `${SELECT} WHERE entity = ?1 AND session = ?4 AND state = 0 AND id > ${KEY} ORDER BY id LIMIT ?3`,
  );
  const numbersOfSession = prepare(
    db,
    `SELECT seq FROM message WHERE entity = ?1 AND session = ?4 AND state = ?5 AND id >= ${KEY} ORDER BY id LIMIT ?3`,
  );
  const expired = prepare(
    db,
    `${SELECT} WHERE entity = ? AND state = 0 AND expires > 0 AND expires > ? AND expires <= ? ORDER BY expires, id`,
  );
  const nextExpiry = prepare(
    db,
    'SELECT min(expires) FROM message WHERE entity = ?1 AND state = 0 AND expires > 0 AND expires > ?2',
  );
  const due = prepare(db, `${SELECT} WHERE entity = ? AND due > 0 AND due <= ? ORDER BY due, id`);
  const nextDue = prepare(db, 'SELECT min(due) FROM message WHERE entity = ? AND due > 0 AND due > ?');
  const messageOf = (entity: number, seq: number) => {
    const row = one.get(entity, seq);
    return row && toMessage(row);
  };
  function* ofSession(entity: number, seq: number, session: string, count: number): Iterable<FullMessage> {
    const numbers = STATES.flatMap((state) =>
      numbersOfSession.all(entity, seq, count, session, state).map(([number]) => Number(number)),
    );
    for (const number of numbers.sort((a, b) => a - b).slice(0, count)) {
      const message = messageOf(entity, number);
      if (message) yield message;
    }
  }

  return {
    insertBody: (id, bytes) => void insertBody.run(id, bytes),
    lastBody: () => Number(lastBody.get()?.[0] ?? 0),
    insertMessage(m, bytes) {
      insert.run(
        m.entity,
        m.seq,
        m.state,
        m.deliveryCount,
        m.enqueuedAt,
        m.expiresAt,
        m.dueAt,
        m.session,
        m.origin,
        m.source,
        m.hops,
        m.size,
        m.shared || null,
        bytes ?? null,
      );
      tallies.add(m.entity, m.state, 1, m.size);
    },
    deleteMessage({ entity, seq, state, size, shared }) {
      if (remove.run(entity, seq).changes === 0) return;
      tallies.add(entity, state, -1, size);
      if (shared > 0) dropBody(shared);
    },
    setDelivery({ entity, seq, state: before, size }, deliveryCount, state) {
      if (setDelivery.run(entity, seq, deliveryCount, state).changes === 0 || before === state) return;
      tallies.add(entity, before, -1, size);
      tallies.add(entity, state, 1, size);
    },
    bytes: (entity, seq, shared) =>
      toBuffer((shared > 0 ? sharedBytes.get(shared) : ownBytes.get(entity, seq))?.[0]),
    message: messageOf,
    messagesFrom: (entity, seq, session, count) =>
      session === undefined ? each(from.each(entity, seq, count)) : ofSession(entity, seq, session, count),
    activeAfter: (entity, seq, session, count) =>
      each(
        session === undefined
          ? after.each(entity, seq, count)
          : afterOfSession.each(entity, seq, count, session),
      ),
    expired: (entity, later, upTo) => each(expired.each(entity, later, upTo)),
    nextExpiry: (entity, later) => numberIn(nextExpiry.get(entity, later)),
    due: (entity, now) => each(due.each(entity, now)),
    nextDue: (entity, later) => numberIn(nextDue.get(entity, later)),
  };
}

function* each(rows: Iterable<Row>): Iterable<FullMessage> {
  for (const row of rows) yield toMessage(row);
}

function numberIn(row: Row | undefined): number | undefined {
  return typeof row?.[0] === 'number' ? row[0] : undefined;
}

function toMessage(row: Row): FullMessage {
  const bytes = toBuffer(row[13]);
  const entity = row[0] as number;
  const seq = row[1] as number;
  if (!bytes) throw new Error(`the bytes of message ${seq} of entity ${entity} are missing from the store`);
  return {
    entity,
    seq,
    state: row[2] as StoredState,
    deliveryCount: row[3] as number,
    enqueuedAt: row[4] as number,
    expiresAt: row[5] as number,
    dueAt: row[6] as number,
    session: row[7] as string | null,
    origin: row[8] as number,
    source: row[9] as string | null,
    hops: row[10] as number,
    size: row[11] as number,
    shared: (row[12] as number | null) ?? 0,
    bytes,
  };
}
