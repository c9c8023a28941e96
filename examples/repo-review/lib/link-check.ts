// Whether a relative link leads anywhere: the file, and in it the anchor.
import { readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { inside, MAX_FILE_BYTES, toPosix } from './files.ts';
import { anchorsOf } from './markdown.ts';

export type LinkVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'dead-link'; readonly message: string }
  | { readonly kind: 'dead-anchor'; readonly message: string }
  | { readonly kind: 'outside'; readonly message: string };

const FINE: LinkVerdict = { kind: 'fine' };
const WITH_SCHEME = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;
const MARKDOWN = new Set(['.md', '.markdown', '.mdx']);
/** GitHub's anchors of lines in code. */
const LINE_ANCHOR = /^L(\d+)(?:C\d+)?(?:-L(\d+)(?:C\d+)?)?$/;

/** `from` is the file that holds the link, `root` what a leading slash means and what a link may not leave. */
export async function checkLink(
  root: string,
  from: string,
  target: string,
  text: string,
): Promise<LinkVerdict> {
  if (WITH_SCHEME.test(target)) return FINE;
  const hash = target.indexOf('#');
  const anchor = hash < 0 ? '' : decode(target.slice(hash + 1));
  const path = decode((hash < 0 ? target : target.slice(0, hash)).replace(/\?.*$/, ''));
  if (path === '') return checkAnchor(from, text, anchor);
  const wanted = path.startsWith('/') ? join(root, path) : join(dirname(from), path);
  const absolute = inside(root, wanted);
  if (absolute === undefined)
    return { kind: 'outside', message: `${target} leads out of the folder under review` };
  const stats = await stat(absolute).catch(() => undefined);
  const shown = toPosix(relative(root, absolute));
  if (stats === undefined)
    return { kind: 'dead-link', message: `${target} leads to ${shown}, which does not exist` };
  if (anchor === '' || !stats.isFile() || stats.size > MAX_FILE_BYTES) return FINE;
  return checkAnchor(absolute, await readFile(absolute, 'utf8'), anchor);
}

function checkAnchor(file: string, text: string, anchor: string): LinkVerdict {
  if (anchor === '' || anchor === 'top') return FINE;
  if (MARKDOWN.has(extname(file).toLowerCase())) {
    const known = anchorsOf(text);
    const found = known.has(anchor) || known.has(anchor.toLowerCase());
    return found ? FINE : { kind: 'dead-anchor', message: `No heading or anchor is called #${anchor}` };
  }
  const lines = LINE_ANCHOR.exec(anchor);
  if (lines === null) return FINE;
  const last = Number(lines[2] ?? lines[1]);
  const count = text.split('\n').length;
  return last <= count
    ? FINE
    : { kind: 'dead-anchor', message: `#${anchor} is beyond the last line, ${count}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
