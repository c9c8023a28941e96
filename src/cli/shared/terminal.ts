// The terminal as the commands see it: lines, and on a real terminal one status line that is redrawn in place.
// Without one there are no control characters and no colours.
import { styleText } from 'node:util';

const ERASE_LINE = '\r\u001B[K';
const DEFAULT_COLUMNS = 80;

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Terminal {
  readonly interactive: boolean;
  /** One line that stays. */
  line(text: string): void;
  /** Replaces the status line; does nothing where lines cannot be redrawn. */
  status(text: string): void;
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
  return {
    interactive,
    line(text) {
      output.write(status === '' ? `${text}\n` : `${ERASE_LINE}${text}\n`);
      status = '';
    },
    status(text) {
      if (!interactive || text === status) return;
      status = text.slice(0, (output.columns || DEFAULT_COLUMNS) - 1);
      output.write(`${ERASE_LINE}${status}`);
    },
    clear() {
      if (status !== '') output.write(ERASE_LINE);
      status = '';
    },
    paint: (style, text) => (colored ? styleText(style, text, { validateStream: false }) : text),
  };
}
