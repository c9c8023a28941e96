// Links and anchors of a Markdown text, by GitHub's rules. Code, fenced or inline, holds no links.

export interface MarkdownLink {
  readonly line: number;
  readonly target: string;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const INLINE =
  /!?\[(?:[^\][]|\[[^\]]*\])*\]\(\s*(?:<([^>\n]+)>|([^\s()]+(?:\([^\s()]*\)[^\s()]*)*))(?:\s+["'(][^)]*)?\s*\)/g;
/** Again, for the image within a link. */
const IMAGE = /!\[[^\]]*\]\(\s*([^\s()<>]+)/g;
const DEFINITION = /^ {0,3}\[[^\]^][^\]]*\]:\s*(?:<([^>]+)>|(\S+))/;
const HTML = /<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*["']([^"']+)["']/gi;
const HTML_ANCHOR = /<[a-z][^>]*?\b(?:id|name)\s*=\s*["']([^"']+)["']/gi;
const ATX_HEADING = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/;
const SETEXT_UNDERLINE = /^ {0,3}(?:=+|-+)\s*$/;

/** The lines with fenced code and comments emptied and inline code blanked: numbers stay right. */
function proseLines(text: string): string[] {
  let fence: string | undefined;
  const withoutComments = text.replaceAll(/<!--[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
  return withoutComments.split(/\r?\n/).map((line) => {
    const mark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
      return '';
    }
    if (mark !== undefined) {
      fence = mark;
      return '';
    }
    return line;
  });
}

const blankCode = (line: string): string =>
  line.replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, (code) => ' '.repeat(code.length));

export function linksOf(text: string): MarkdownLink[] {
  return proseLines(text).flatMap((raw, index) => {
    const line = blankCode(raw);
    const definition = DEFINITION.exec(line);
    const found = new Set([
      ...[...line.matchAll(INLINE)].map((match) => match[1] ?? match[2]),
      ...[...line.matchAll(IMAGE)].map((match) => match[1]),
      ...[...line.matchAll(HTML)].map((match) => match[1]),
      definition?.[1] ?? definition?.[2],
    ]);
    return [...found].flatMap((target) => (target === undefined ? [] : [{ line: index + 1, target }]));
  });
}

/** Every anchor that a link into this text can name. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const lines = proseLines(text);
  for (const [index, line] of lines.entries()) {
    for (const match of blankCode(line).matchAll(HTML_ANCHOR))
      if (match[1] !== undefined) anchors.add(match[1]);
    const heading = headingAt(lines, index);
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let unique = slug;
    for (let again = 1; anchors.has(unique); again += 1) unique = `${slug}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

function headingAt(lines: readonly string[], index: number): string | undefined {
  const line = lines[index] ?? '';
  const atx = ATX_HEADING.exec(line)?.[1];
  if (atx !== undefined) return atx;
  const underlined = SETEXT_UNDERLINE.test(lines[index + 1] ?? '') && /^ {0,3}[^\s>|#*+-]/.test(line);
  return underlined ? line : undefined;
}

/** GitHub's: the visible text, lower case, letters, digits, `-` and `_` kept, spaces to dashes. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/!?\[((?:[^\][]|\[[^\]]*\])*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/(?<![\w*])([*_]{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])/g, '$2')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
