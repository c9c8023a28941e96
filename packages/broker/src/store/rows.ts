/** Prepared statements whose rows travel as arrays, which halves the time that reading many of them takes. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

export type Row = SQLOutputValue[];

export interface RowStatement {
  run(...values: SQLInputValue[]): ReturnType<StatementSync['run']>;
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  /** A caller that stops early ends the statement. */
  each(...values: SQLInputValue[]): Iterable<Row>;
}

/** Every statement is prepared once. */
export function prepare(db: DatabaseSync, sql: string): RowStatement {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return {
    run: (...values) => statement.run(...values),
    get: (...values) => statement.get(...values) as unknown as Row | undefined,
    all: (...values) => statement.all(...values) as unknown as Row[],
    each: (...values) => statement.iterate(...values) as unknown as Iterable<Row>,
  };
}

export function toBuffer(value: SQLOutputValue | undefined): Buffer | undefined {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : undefined;
}
