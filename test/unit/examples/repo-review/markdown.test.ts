// Links and anchors by GitHub's rules, and the check that follows them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLink } from '../../../../examples/repo-review/lib/link-check.ts';
import { anchorsOf, linksOf, slugOf } from '../../../../examples/repo-review/lib/markdown.ts';
import { temporaryFolder } from './kit.ts';

const targets = (text: string): string[] => linksOf(text).map(({ line, target }) => `${line} ${target}`);

describe('links', () => {
  test('inline, image, definition, HTML; not in code or comments', () => {
    const text = [
      'A [link](a.md "title") and an ![image](b.png) and [one](<with space.md>).',
      '[ref]: c.md',
      '<a href="d.md">d</a> <img src="e.png">',
      '`[code](no.md)` and ``[more `code`](no.md)``',
      '```md',
      '[fenced](no.md)',
      '```',
      '<!-- [comment](no.md) -->',
      '[![badge](badge.svg)](f.md) [paren](g_(h).md)',
      '[^note]: not a definition',
    ].join('\n');
    expect(targets(text)).toEqual([
      '1 a.md',
      '1 b.png',
      '1 with space.md',
      '2 c.md',
      '3 d.md',
      '3 e.png',
      '9 f.md',
      '9 g_(h).md',
      '9 badge.svg',
    ]);
  });
});

describe('anchors', () => {
  test.each([
    ['Hello, World!', 'hello-world'],
    ['`code` & *more* [link](x.md)', 'code--more-link'],
    ['snake_case stays', 'snake_case-stays'],
    ['Größe 1.2', 'größe-12'],
    ['A  B', 'a--b'],
  ])('%s is #%s', (heading, slug) => expect(slugOf(heading)).toBe(slug));

  test('headings of both kinds, repeated ones numbered, own anchors, none from code', () => {
    const text = [
      '# Same',
      '## Same',
      'Under',
      '=====',
      '<a id="own"></a>',
      '```',
      '# no',
      '```',
      '- item',
      '---',
    ].join('\n');
    expect([...anchorsOf(text)]).toEqual(['same', 'same-1', 'under', 'own']);
  });
});

describe('a link is followed', () => {
  test('to the file and its anchor', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'docs'));
    await writeFile(join(root, 'docs', 'a b.md'), '# Top\n## Set up\n');
    await writeFile(join(root, 'code.ts'), '1\n2\n3\n');
    const from = join(root, 'README.md');
    const kind = async (target: string) => (await checkLink(root, from, target, '# Self\n')).kind;
    expect(await kind('docs/a%20b.md#set-up')).toBe('fine');
    expect(await kind('docs/a%20b.md#gone')).toBe('dead-anchor');
    expect(await kind('/code.ts?x=1')).toBe('fine');
    expect(await kind('code.ts#L3')).toBe('fine');
    expect(await kind('code.ts#L1-L9')).toBe('dead-anchor');
    expect(await kind('docs')).toBe('fine');
    expect(await kind('docs/b.md')).toBe('dead-link');
    expect(await kind('#self')).toBe('fine');
    expect(await kind('#other')).toBe('dead-anchor');
    expect(await kind('../up.md')).toBe('outside');
    expect(await kind('https://example.org/x')).toBe('fine');
    expect(await kind('mailto:a@example.org')).toBe('fine');
    expect(await kind('%E0%A4%A')).toBe('dead-link');
  });
});
