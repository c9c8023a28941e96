// Text that is put into Markdown without becoming Markdown.

/** As inline code, whatever backticks it holds. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

export function plain(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>#|~]/g, (sign) => `\\${sign}`).replaceAll(/\s+/g, ' ');
}

/** A table cell: code may hold no bare pipe there either. */
function cell(text: string): string {
  return text.replaceAll(/(?<!\\)\|/g, '\\|');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)];
}

export function link(text: string, target: string | undefined): string {
  if (target === undefined) return text;
  const encoded = encodeURIComponent(target).replaceAll('%2F', '/');
  // A single parenthesis would end the link.
  return `[${text}](${encoded.replaceAll('(', '%28').replaceAll(')', '%29')})`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

const MS_A_SECOND = 1_000;
const SECONDS_A_MINUTE = 60;

export function duration(ms: number): string {
  const seconds = Math.round(ms / MS_A_SECOND);
  if (seconds < SECONDS_A_MINUTE) return `${(ms / MS_A_SECOND).toFixed(1)} s`;
  return `${Math.floor(seconds / SECONDS_A_MINUTE)} min ${seconds % SECONDS_A_MINUTE} s`;
}
