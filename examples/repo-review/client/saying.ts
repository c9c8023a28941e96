// What the model says, in the terminal while it comes: planners speak at the same time, so each line says whose it is. A client follows
// the review with what it has started, since it is the planning that asks the model.
import type { QuorateClient, RunTerminal, StreamItem } from 'quorate';
import { PLANNERS } from '../protocol.ts';

/** Of one line, beside the name. */
const LINE_LENGTH = 88;
const NAME_COLUMNS = Math.max(...PLANNERS.map((name) => name.length));

/** Shows all that is said until the review ends or `signal` aborts. */
export async function showSaying(
  client: Pick<QuorateClient, 'stream'>,
  id: string,
  terminal: Pick<RunTerminal, 'line'>,
  signal: AbortSignal,
): Promise<void> {
  const lines = createLines((name, text) => terminal.line(`  ${name.padEnd(NAME_COLUMNS)} │ ${text}`));
  try {
    for await (const item of client.stream('review', id, { children: true, signal })) lines.take(item);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    lines.end();
  }
}

interface Lines {
  take(item: StreamItem): void;
  end(): void;
}

/** Cuts what each one says into lines. */
export function createLines(write: (name: string, text: string) => void): Lines {
  const said = new Map<string, string>();
  const flush = (name: string): void => {
    const rest = said.get(name)?.trim() ?? '';
    said.delete(name);
    if (rest !== '') write(name, rest);
  };
  return {
    take: (item) => {
      const name = nameOf(item);
      if (item.kind === 'restarted') {
        flush(name);
        write(name, `(once more, attempt ${item.attempt})`);
      }
      if (item.kind === 'gap') write(name, `(${item.count} pieces were not stored)`);
      if (item.kind === 'ended') flush(name);
      if (item.kind !== 'piece') return;
      const text = `${said.get(name) ?? ''}${typeof item.value === 'string' ? printable(item.value) : ''}`;
      const { whole, rest } = split(text);
      for (const line of whole) write(name, line);
      said.set(name, rest);
    },
    end: () => {
      for (const name of said.keys()) flush(name);
    },
  };
}

/** The planners are branches, in their order. */
function nameOf({ child, branch }: StreamItem): string {
  const planner = branch === undefined ? undefined : PLANNERS[branch];
  if (child === 'offers' && planner !== undefined) return planner;
  return child === 'critique' ? 'critic' : child;
}

/** Lines that are complete, and what may grow still. A line ends between two words where there are some. */
function split(text: string): { readonly whole: readonly string[]; readonly rest: string } {
  const whole: string[] = [];
  let rest = text.replaceAll(/\s+/g, ' ');
  while (rest.length > LINE_LENGTH) {
    const space = rest.lastIndexOf(' ', LINE_LENGTH);
    const end = space > LINE_LENGTH / 2 ? space : LINE_LENGTH;
    whole.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trimStart();
  }
  return { whole, rest };
}

/** What a model says moves no cursor. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
}
