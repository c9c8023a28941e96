// What is cancelled, and who runs which task, as rows of the SQLite file that all hosts of a data folder share. `scope` tells
// namespaces and prefixes apart that use one folder.
import type { CancellationStore, ClaimedTask, TaskClaimStore } from '../contract/payload.ts';
import type { Database } from './database.ts';

const BETWEEN_SWEEPS_MS = 60_000;
/** A process that died so long ago ran nothing that somebody runs still. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

export function createCancellationTable(db: Database, scope: string): CancellationStore {
  const insert = db.prepare('INSERT INTO cancelled VALUES (?, ?) ON CONFLICT DO NOTHING');
  const select = db.prepare('SELECT 1 FROM cancelled WHERE mark = ?');
  const sweep = db.prepare('DELETE FROM cancelled WHERE until <= ?');
  let sweptAt: number | undefined;
  return {
    put: (marks, until, now) => {
      sweptAt ??= now;
      const isDue = now - sweptAt >= BETWEEN_SWEEPS_MS;
      if (isDue) sweptAt = now;
      return db.together(() => {
        for (const mark of marks) insert.run(`${scope}/${mark}`, Math.ceil(until));
        if (isDue) sweep.run(Math.floor(now));
      });
    },
    find: (marks) => db.now(() => marks.filter((mark) => select.get(`${scope}/${mark}`) !== undefined)),
  };
}

export function createTaskClaimTable(db: Database, scope: string): TaskClaimStore {
  const insert = db.prepare('INSERT INTO task_claim VALUES (?, ?) ON CONFLICT DO NOTHING');
  const select = db.prepare('SELECT process FROM task_claim WHERE place = ?');
  const remove = db.prepare('DELETE FROM task_claim WHERE place = ? AND process = ?');
  const below = db.prepare(
    "SELECT DISTINCT process FROM task_claim WHERE place > ?1 || '/' AND place < ?1 || '0'",
  );
  const removeOf = db.prepare('DELETE FROM task_claim WHERE process = ?');
  const alive = db.prepare('INSERT OR REPLACE INTO process VALUES (?, ?)');
  const until = db.prepare('SELECT until FROM process WHERE name = ?');
  const dead = db.prepare('SELECT name FROM process WHERE until < ?');
  const forget = db.prepare('DELETE FROM process WHERE name = ?');

  const placeOf = ({ life, execution, key }: ClaimedTask): string => `${scope}/${life}/${execution}/${key}`;
  const toRow = (process: string): string => `${scope}/${process}`;
  const fromRow = (name: unknown): string => String(name).slice(scope.length + 1);
  const take = async (place: string, process: string, from?: string): Promise<string> => {
    let owner = process;
    await db.together(() => {
      if (from !== undefined) remove.run(place, toRow(from));
      const isFree = insert.run(place, toRow(process)).changes > 0;
      owner = isFree ? process : fromRow(select.get(place)?.['process']);
    });
    return owner;
  };

  return {
    ownerOf: (task) =>
      db.now(() => {
        const row = select.get(placeOf(task));
        return row === undefined ? undefined : fromRow(row['process']);
      }),
    take: (task, process) => take(placeOf(task), process),
    takeOver: (task, from, process) => take(placeOf(task), process, from),
    drop: (task, process) => db.together(() => void remove.run(placeOf(task), toRow(process))),
    processesOf: (life, execution) => {
      const place = execution === undefined ? `${scope}/${life}` : `${scope}/${life}/${execution}`;
      return db.now(() => below.all(place).map(({ process }) => fromRow(process)));
    },
    setAlive: (process, end) =>
      db.together(() => {
        alive.run(toRow(process), Math.ceil(end));
        for (const { name } of dead.all(Math.floor(end) - FORGOTTEN_AFTER_MS)) {
          removeOf.run(String(name));
          forget.run(String(name));
        }
      }),
    forget: (process) => db.together(() => void forget.run(toRow(process))),
    aliveUntil: (process) => db.now(() => until.get(toRow(process))?.['until'] as number | undefined),
  };
}
