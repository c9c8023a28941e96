import { expect, it } from 'vitest';
import { createPrinter } from '../../../../src/cli/commands/stream-actor.ts';
import type { StreamItem } from '../../../../src/contract/stream.ts';

const piece = (value: unknown, more: Partial<StreamItem> = {}): StreamItem =>
  ({ kind: 'piece', child: 'a', attempt: 1, n: 0, offset: '', value, ...more }) as StreamItem;

it('text stands as it was said, who says it on a line of its own, and nothing of it steers the terminal', () => {
  const toText = createPrinter();
  const items = [
    piece('Once '),
    piece('upon\n'),
    piece('a \u001B[2Jtime'),
    piece({ done: 1 }),
    piece('x', { branch: 2 }),
    { kind: 'restarted', child: 'a', attempt: 2, offset: '' },
    piece('Once', { attempt: 2 }),
    { kind: 'gap', child: 'a', attempt: 2, n: 1, count: 3, offset: '' },
    piece('more'),
    { kind: 'ended', child: 'a', attempt: 2, offset: '' },
    undefined,
  ] as (StreamItem | undefined)[];
  expect(items.map(toText).join('')).toBe(
    '--- a\nOnce upon\na [2Jtime\n{"done":1}\n--- a 2\nx\n--- a: attempt 2, from the beginning\nOnce\n--- 3 pieces were not stored\nmore\n',
  );
});
