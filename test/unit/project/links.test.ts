// A page names no file that is gone, and no heading that is not there.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGES = [
  '*.md',
  'docs/**/*.md',
  'examples/*/*.md',
  'otel/*.md',
  'packages/*/*.md',
  'packages/*/docs/*.md',
];
const pages = globSync(PAGES, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const withoutCode = (text: string): string => text.replace(/^```.*?^```$/gms, '');

/** As GitHub makes them of headings. */
function anchorsOf(path: string): readonly string[] {
  const headings = [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function deadLinksOf(page: string): readonly string[] {
  const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    return !existsSync(join(ROOT, path)) || (anchor !== undefined && !anchorsOf(path).includes(anchor));
  });
}

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (page) => {
    expect(deadLinksOf(page)).toEqual([]);
  });

  it('lead from the index to every guide', () => {
    const guides = globSync('docs/*.md', { cwd: ROOT }).map((path) => path.split(/[\\/]/)[1]);
    const index = [...read('docs/README.md').matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, to]) => to);
    expect(new Set([...index, 'README.md'])).toEqual(new Set(guides));
  });
});

// Comments and messages name pages too.
it('no source names a page of docs that is not there', () => {
  const sources = globSync(
    [
      '{src,otel,bin,scripts,test,bench,chaos,examples}/**/*.{ts,js}',
      'packages/*/{src,bin,test,bench}/**/*.{ts,js}',
    ],
    {
      cwd: ROOT,
      exclude: (path) => /node_modules|fixtures|unit.examples/.test(path),
    },
  );
  const decisions = new Set(
    globSync('docs/decisions/*.md', { cwd: ROOT }).map((path) => /\d{4}/.exec(path)?.[0]),
  );
  const gone = sources.flatMap((source) =>
    [...read(source).matchAll(/(?<![\w/.-])docs\/(?:decisions\/(\d{4})|[\w/-]+\.md)/g)]
      .filter(([path, decision]) =>
        decision === undefined ? !isThere(path, source) : !decisions.has(decision),
      )
      .map(([path]) => `${source}: ${path}`),
  );
  expect(gone).toEqual([]);
});

/** Of the root, or of the package that names it. */
function isThere(path: string, source: string): boolean {
  const [top = '', name = ''] = source.split(/[\\/]/);
  return existsSync(join(ROOT, path)) || existsSync(join(ROOT, top, name, path));
}
