// The page as it is built: small, and nothing in its markup that its policy forbids.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const MOST_BYTES = 60 * 1024;
const PAGE = new URL('../../../../src/console/page/', import.meta.url);

describe('the page of the console', () => {
  it('has a script of at most 60 KB gzipped, with no import left in it', async () => {
    const { outputFiles } = await build({
      entryPoints: [new URL('main.tsx', PAGE).pathname],
      tsconfig: new URL('tsconfig.json', PAGE).pathname,
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    const [script] = outputFiles;
    expect(gzipSync(script?.contents ?? '').length).toBeLessThan(MOST_BYTES);
    expect(script?.text).not.toMatch(/^import|https?:\/\/(?!www\.w3\.org)/m);
  });

  it('has no style and no script in its markup', async () => {
    const html = await readFile(new URL('index.html', PAGE), 'utf8');
    expect(html).not.toMatch(/style=|<style|\son\w+=|<script(?![^>]*src=)/);
    expect(html).not.toMatch(/https?:/);
  });
});
