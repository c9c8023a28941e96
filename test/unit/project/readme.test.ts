// The README shows the files of the quickstart as they are, within the 40 lines that it promises.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

it('shows the quickstart as it is, in under 40 lines', () => {
  const blocks = [...read('README.md').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const files = ['summary.machine.ts', 'quorate.config.ts', 'client.ts'].map((name) =>
    read(`examples/quickstart/${name}`),
  );
  expect(blocks).toEqual(files);
  expect(files.join('').trim().split('\n').length).toBeLessThan(40);
});
