// What the writer of the index says to SQLite, each statement prepared once.
import type { DatabaseSync } from 'node:sqlite';

const COLUMNS = [
  'type',
  'id',
  'life',
  'revision',
  'turn',
  'status',
  'shown',
  'value',
  'tags',
  'parent',
  'root',
  'tenant',
  'priority',
  'started_at',
  'changed_at',
  'ended_at',
  'seen_at',
  'host',
  'version',
  'trace_id',
  'code',
  'message',
  'quarantined_at',
  'executions',
  'waits_for',
  'open_since',
  'deadline_at',
  'timer_at',
  'due_at',
  'asks',
  'unsent',
  'exhausted_at',
  'state_bytes',
  'tokens',
  'micro_usd',
  'text',
] as const;

/** A record that is told again has no size. */
const set = (column: string): string =>
  column === 'state_bytes'
    ? 'state_bytes = coalesce(excluded.state_bytes, actor.state_bytes)'
    : `${column} = excluded.${column}`;

const UPSERT = `INSERT INTO actor (address, ${COLUMNS.join(', ')})
  VALUES (:address, ${COLUMNS.map((column) => `:${column}`).join(', ')})
  ON CONFLICT (address) DO UPDATE SET ${COLUMNS.map(set).join(', ')}
  WHERE (excluded.life, excluded.revision) > (actor.life, actor.revision)
  RETURNING key`;

const GONE = `INSERT INTO actor (address, type, id, life, revision, turn, status, shown, value, tags, root, started_at, changed_at,
    seen_at, host, version, executions, waits_for, asks, unsent, tokens, micro_usd, text)
  VALUES (:address, :type, :id, :life, :revision, 0, 'gone', 'gone', 'null', '[]', :address, :at, :at, :now, '', '', '[]', '', 0, 0, 0, 0, '')
  ON CONFLICT (address) DO UPDATE SET life = excluded.life, revision = excluded.revision, status = 'gone', shown = 'gone', value = 'null',
    tags = '[]', parent = NULL, root = excluded.root, tenant = NULL, ended_at = NULL, changed_at = excluded.changed_at,
    seen_at = excluded.seen_at, trace_id = NULL, code = NULL, message = NULL, quarantined_at = NULL, executions = '[]', waits_for = '', open_since = NULL,
    deadline_at = NULL, timer_at = NULL, due_at = NULL, asks = 0, unsent = 0, exhausted_at = NULL, tokens = 0, micro_usd = 0, text = ''`;

export function prepareAll(db: DatabaseSync) {
  const sql = (text: string) => db.prepare(text);
  return {
    row: sql('SELECT key, life, revision, status, text, seen_at, type, id FROM actor WHERE address = ?'),
    rootOf: sql('SELECT root FROM actor WHERE address = ?'),
    upsert: sql(UPSERT),
    setGone: sql(GONE),
    moveRoot: sql('UPDATE actor SET root = ? WHERE root = ?'),
    addText: sql('INSERT INTO actor_text (rowid, text) VALUES (?, ?)'),
    deleteText: sql('DELETE FROM actor_text WHERE rowid = ?'),
    addStep: sql(
      'INSERT OR IGNORE INTO step (actor, life, turn, n, at, event, value, effects) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    extendTold: sql('UPDATE OR IGNORE told SET to_turn = ? WHERE actor = ? AND life = ? AND to_turn = ?'),
    addTold: sql(
      `INSERT INTO told (actor, life, to_turn, after_turn) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET after_turn = min(after_turn, excluded.after_turn)`,
    ),
    deleteSteps: sql('DELETE FROM step WHERE actor = ?'),
    trimSteps: sql(
      `DELETE FROM step WHERE actor = ? AND life = ? AND turn <= (
         SELECT turn FROM step WHERE actor = ? AND life = ? ORDER BY turn DESC, n DESC LIMIT 1 OFFSET ?)`,
    ),
    deleteTold: sql('DELETE FROM told WHERE actor = ?'),
    deleteActor: sql('DELETE FROM actor WHERE key = ?'),
    oldEnded: sql('SELECT key FROM actor WHERE ended_at < ? LIMIT ?'),
    oldGone: sql("SELECT key FROM actor WHERE shown = 'gone' AND changed_at < ? LIMIT ?"),
    tooManyEnded: sql(
      'SELECT key FROM actor WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ? OFFSET ?',
    ),
    deleteOldSteps: sql(
      'DELETE FROM step WHERE (actor, life, turn, n) IN (SELECT actor, life, turn, n FROM step WHERE at < ? LIMIT ?)',
    ),
    deleteProcesses: sql('DELETE FROM process WHERE seen_at < ?'),
    saveProcess: sql(
      'INSERT INTO process (id, seen_at, record) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at, record = excluded.record',
    ),
    saveMachine: sql(
      `INSERT INTO machine (type, version, definition, seen_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET definition = excluded.definition, seen_at = excluded.seen_at`,
    ),
    saveView: sql(
      'INSERT INTO view (name, query) VALUES (?, ?) ON CONFLICT DO UPDATE SET query = excluded.query',
    ),
    deleteView: sql('DELETE FROM view WHERE name = ?'),
    setMeta: sql(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
  };
}
