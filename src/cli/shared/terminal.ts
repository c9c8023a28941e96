// The terminal as the commands see it: lines, and on a real terminal one status line that is redrawn in place.
// Without one there are no control characters and no colours.
import { styleText } from 'node:util';
import type { RunTerminal } from '../../contract/run.ts';

const ERASE_LINE = '\r\u001B[K';
const DEFAULT_COLUMNS = 80;
const LABEL_COLUMNS = 10;

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Output {
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
