// The terminal as the commands see it: lines, and on a real terminal one status line that is redrawn in place.
// Without one there are no control characters and no colours.
import { styleText } from 'node:util';
import { QuorateError } from '../../contract/errors.ts';
import type { RunTerminal } from '../../contract/run-context.ts';

const ERASE_LINE = '\r\u001B[K';
const DEFAULT_COLUMNS = 80;
const LABEL_COLUMNS = 10;

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Terminal extends RunTerminal {
  /** Takes the status line away, for another writer to the same screen; the next status draws it again. */
  clear(): void;
  paint(style: Style, text: string): string;
}

export function createTerminal(
  output: Output = process.stdout,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Terminal {
  const interactive = output.isTTY === true && env['TERM'] !== 'dumb';
  const colored = interactive && (env['NO_COLOR'] ?? '') === '';
  let status = '';
  const paint = (style: Style, text: string): string =>
    colored ? styleText(style, text, { validateStream: false }) : text;
  const line = (text: string): void => {
    output.write(status === '' ? `${text}\n` : `${ERASE_LINE}${text}\n`);
    status = '';
  };
  return {
    interactive,
    line,
    row: (label, text) => line(`${paint('dim', label.padEnd(LABEL_COLUMNS))} ${text}`),
    status(text) {
      if (!interactive || text === status) return;
      status = text.slice(0, (output.columns || DEFAULT_COLUMNS) - 1);
      output.write(`${ERASE_LINE}${status}`);
    },
    clear() {
      if (status !== '') output.write(ERASE_LINE);
      status = '';
    },
    paint,
  };
}

// Rows of cells in columns, the first row the head.

/** `right` names the columns of numbers. */
export function formatRows(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Characters of a text in a cell of a list. */
export const CELL = 60;

/** On one line, of at most so many characters. */
export function oneLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

// A question before something is removed.

/** `instead` is what a script passes. */
export async function confirm(question: string, instead = '--yes'): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new QuorateError('USAGE', `There is nobody to ask; pass ${instead} to remove the data.`);
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}
