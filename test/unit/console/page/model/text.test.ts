import { describe, expect, it } from 'vitest';
import {
  bytes,
  counted,
  duration,
  money,
  plural,
  quoted,
  shorten,
  stateText,
} from '../../../../../src/console/page/model/text.ts';

describe('words of the console', () => {
  it.each([
    [duration(0), '0 ms'],
    [duration(999), '999 ms'],
    [duration(61_000), '1 min 1 s'],
    [duration(3_600_000), '1 h'],
    [duration(90_000_000), '1 d 1 h'],
    [money(0), '–'],
    [money(1_234), '$0.0012'],
    [money(12_345_678), '$12.35'],
    [bytes(100), '100 B'],
    [bytes(2_048), '2.0 KB'],
    [bytes(3_145_728), '3.0 MB'],
    [counted(9_999), '9,999'],
    [counted(10_000), '10,000+'],
    [plural(1, 'branch', 'branches'), '1 branch'],
    [plural(0, 'turn'), '0 turns'],
    [stateText({ working: { a: 'b', c: {} } }), 'working › a › b, working › c'],
    [stateText('idle'), 'idle'],
    [quoted('order/7'), 'order/7'],
    [quoted(`it's`), `'it'\\''s'`],
  ])('%s', (is, wanted) => expect(is).toBe(wanted));

  it('draws no more than 2 KB of a text', () => {
    expect(shorten('x'.repeat(5_000))).toHaveLength(2_000);
    expect(shorten('short')).toBe('short');
  });
});
