import { describe, expect, it } from 'vitest';
import { formatState } from '../../../../src/cli/commands/actors.ts';

describe('formatState', () => {
  it.each([
    ['reviewing', 'reviewing'],
    [{ planning: 'round' }, 'planning.round'],
    [{ a: { b: 'c' }, d: {} }, 'a.b.c, d'],
  ])('%j is %s', (value, text) => expect(formatState(value)).toBe(text));
});
