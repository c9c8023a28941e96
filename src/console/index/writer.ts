// Takes records into the index. A record is absolute, so one that is older than its row changes nothing but the timeline; repeats change
// nothing at all. A forgotten actor leaves a row without contents, so that what was on its way does not bring it back.
import type { DatabaseSync } from 'node:sqlite';
import type { ActorRecord, GoneRecord, IndexRecord } from '../../contract/records.ts';
import { prepareAll } from './statements.ts';

export const RETENTION = {
  /** Ended actors, and steps of all. */
  endedMs: 7 * 86_400_000,
  ended: 100_000,
  /** Rows of forgotten actors: longer than a record may be on its way. */
  goneMs: 2 * 3_600_000,
  steps: 500,
  stepsMs: 7 * 86_400_000,
  processMs: 86_400_000,
} as const;
/** Turns of an actor after which its oldest steps are looked at. */
const TRIMMED_EVERY = 100;
/** Deleted in one transaction. */
const SLICE = 1_000;

interface Known {
  readonly key: number;
  readonly life: number;
  readonly revision: number;
  readonly status: string;
  readonly text: string;
}

export class IndexWriter {
  readonly #db: DatabaseSync;
  readonly #sql: ReturnType<typeof prepareAll>;
  /** Time of the newest record that was taken in. */
  #newestAt = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#sql = prepareAll(db);
  }

  get newestAt(): number {
    return this.#newestAt;
  }

  /** All of them in one transaction. `now` is when they came. */
  apply(records: readonly IndexRecord[], now: number): void {
    this.#within(() => {
      for (const record of records) this.#take(record, now);
    });
  }

  /** These actors are no more: sessions without a state. Only rows that were not told of since. */
  forget(addresses: readonly string[], seenBefore: number, now: number): number {
    let forgotten = 0;
    this.#within(() => {
      for (const address of addresses) {
        const row = this.#sql.row.get(address) as unknown as
          | (Known & { seen_at: number; type: string; id: string })
          | undefined;
        if (row === undefined || row.status === 'gone' || row.seen_at >= seenBefore) continue;
        const { type, id, life, revision } = row;
        this.#takeGone({ kind: 'gone', type, id, life, revision: revision + 1, at: now }, now);
        forgotten++;
      }
    });
    return forgotten;
  }

  /** Removes what is older than it is kept, a slice at a time. True: there is more. */
  trim(now: number): boolean {
    let most = 0;
    this.#within(() => {
      const sql = this.#sql;
      const old = [
        ...sql.oldEnded.all(now - RETENTION.endedMs, SLICE),
        ...sql.oldGone.all(now - RETENTION.goneMs, SLICE),
        ...sql.tooManyEnded.all(SLICE, RETENTION.ended),
      ] as unknown as { key: number }[];
      for (const { key } of old) {
        this.#dropHistory(key);
        sql.deleteText.run(key);
        sql.deleteActor.run(key);
      }
      const steps = sql.deleteOldSteps.run(now - RETENTION.stepsMs, SLICE).changes;
      sql.deleteProcesses.run(now - RETENTION.processMs);
      most = Math.max(old.length, Number(steps));
    });
    if (most === 0) this.#db.exec('PRAGMA incremental_vacuum(200)');
    return most >= SLICE;
  }

  saveView(name: string, query: string | null): void {
    if (query === null) this.#sql.deleteView.run(name);
    else this.#sql.saveView.run(name, query);
  }

  setMeta(name: string, value: string): void {
    this.#sql.setMeta.run(name, value);
  }

  #take(record: IndexRecord, now: number): void {
    this.#newestAt = Math.max(this.#newestAt, record.at);
    switch (record.kind) {
      case 'actor':
        return this.#takeActor(record, now);
      case 'gone':
        return this.#takeGone(record, now);
      case 'process':
        this.#sql.saveProcess.run(record.id, now, JSON.stringify(record));
        break;
      case 'machine':
        this.#sql.saveMachine.run(record.type, record.version, JSON.stringify(record.definition), now);
        break;
    }
  }

  #takeActor(record: ActorRecord, now: number): void {
    const address = `${record.type}/${record.id}`;
    const known = this.#sql.row.get(address) as unknown as Known | undefined;
    if (known !== undefined && !mayAdd(record, known)) return;
    let key = known?.key;
    if (key === undefined || isNewer(record, known)) {
      // The life before it had a history of its own, and the new one begins without.
      if (key !== undefined && known !== undefined && known.life !== record.life) this.#dropHistory(key);
      key = this.#writeRow(address, record, known, now);
    }
    this.#addSteps(key, record);
  }

  #dropHistory(key: number): void {
    this.#sql.deleteSteps.run(key);
    this.#sql.deleteTold.run(key);
  }

  #writeRow(address: string, record: ActorRecord, known: Known | undefined, now: number): number {
    const { error, quarantine, costs, executions, parent } = record;
    const parentRow =
      parent === undefined ? undefined : (this.#sql.rootOf.get(parent) as { root: string } | undefined);
    const root = parent === undefined ? address : (parentRow?.root ?? parent);
    const opened = executions.map(({ startedAt }) => startedAt);
    const deadlines = executions.flatMap(({ deadlineAt }) => deadlineAt ?? []);
    const reason = quarantine ?? error;
    const due = [...deadlines, ...(record.nextTimerAt === undefined ? [] : [record.nextTimerAt])];
    const agents = new Set(
      executions.flatMap(({ kind, agent }) => (kind === 'task' && agent ? [agent] : [])),
    );
    const text = [address, record.tenant, reason?.code, reason?.message, record.traceId]
      .filter((part) => part !== undefined)
      .join('\n');
    const { key } = this.#sql.upsert.get({
      address,
      type: record.type,
      id: record.id,
      life: record.life,
      revision: record.revision,
      turn: record.turn,
      status: record.status,
      shown: shownAs(record),
      value: JSON.stringify(record.value),
      tags: JSON.stringify(record.tags),
      parent: parent ?? null,
      root,
      tenant: record.tenant ?? null,
      priority: record.priority ?? null,
      started_at: record.startedAt,
      changed_at: record.at,
      ended_at: record.endedAt ?? null,
      seen_at: now,
      host: record.host,
      version: record.version,
      trace_id: record.traceId ?? null,
      code: reason?.code ?? null,
      message: reason?.message ?? null,
      quarantined_at: quarantine?.since ?? null,
      executions: JSON.stringify(executions),
      waits_for: [...agents].toSorted().join(),
      open_since: opened.length === 0 ? null : Math.min(...opened),
      deadline_at: deadlines.length === 0 ? null : Math.min(...deadlines),
      timer_at: record.nextTimerAt ?? null,
      due_at: due.length === 0 ? null : Math.min(...due),
      asks: record.asks ?? 0,
      unsent: record.unsent ?? 0,
      exhausted_at: record.exhaustedAt ?? null,
      state_bytes: record.stateBytes ?? null,
      tokens: (costs?.inputTokens ?? 0) + (costs?.outputTokens ?? 0),
      micro_usd: costs?.microUsd ?? 0,
      text,
    }) as unknown as { key: number };
    if (known?.text !== text) {
      if (known !== undefined && known.status !== 'gone') this.#sql.deleteText.run(key);
      this.#sql.addText.run(key, text);
    }
    // Its children may have come before it: they took it for the root.
    if (known === undefined && root !== address) this.#sql.moveRoot.run(root, address);
    return key;
  }

  #addSteps(key: number, { life, turn, prevTurn, at, steps, moreSteps = 0 }: ActorRecord): void {
    let n = 0;
    let last = -1;
    for (const step of steps) {
      n = step.turn === last ? n + 1 : 0;
      last = step.turn;
      const effects = step.effects === undefined ? null : JSON.stringify(step.effects);
      this.#sql.addStep.run(key, life, step.turn, n, at, step.event, JSON.stringify(step.to), effects);
    }
    if (Math.floor(turn / TRIMMED_EVERY) > Math.floor(prevTurn / TRIMMED_EVERY))
      this.#sql.trimSteps.run(key, life, key, life, RETENTION.steps);
    if (turn <= prevTurn) return;
    // Steps that were too many are a gap like any other.
    const after = moreSteps > 0 ? Math.max(prevTurn, (steps[0]?.turn ?? turn) - 1) : prevTurn;
    const extended = this.#sql.extendTold.run(turn, key, life, after);
    if (extended.changes === 0) this.#sql.addTold.run(key, life, turn, after);
  }

  #takeGone({ type, id, life, revision, at }: GoneRecord, now: number): void {
    const address = `${type}/${id}`;
    const known = this.#sql.row.get(address) as unknown as Known | undefined;
    if (known !== undefined && !isNewer({ life, revision }, known)) return;
    if (known !== undefined) {
      this.#dropHistory(known.key);
      if (known.status !== 'gone') this.#sql.deleteText.run(known.key);
    }
    this.#sql.setGone.run({ address, type, id, life, revision, at, now });
  }

  #within(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

function isNewer(
  record: Pick<ActorRecord, 'life' | 'revision'>,
  known: Pick<Known, 'life' | 'revision'> | undefined,
): boolean {
  if (known === undefined) return true;
  return record.life > known.life || (record.life === known.life && record.revision > known.revision);
}

/** Of the life that the row is of, or of a later one; nothing is added to one that was forgotten. */
function mayAdd(record: ActorRecord, known: Known): boolean {
  if (record.life !== known.life) return record.life > known.life;
  return known.status !== 'gone';
}

function shownAs({
  status,
  quarantine,
  exhaustedAt,
  asks = 0,
  executions,
  nextTimerAt,
}: ActorRecord): string {
  if (quarantine !== undefined) return 'quarantined';
  if (status !== 'active') return status;
  if (exhaustedAt !== undefined) return 'exhausted';
  if (asks > 0) return 'asking';
  return executions.length > 0 || nextTimerAt !== undefined ? 'waiting' : 'active';
}
