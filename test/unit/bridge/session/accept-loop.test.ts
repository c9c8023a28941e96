import { describe, expect, it } from 'vitest';
import { createAcceptPace } from '../../../../src/bridge/session/accept-loop.ts';

describe('createAcceptPace', () => {
  it('doubles while sessions come at once, and stops at its most', () => {
    const pace = createAcceptPace();
    const seen = Array.from({ length: 5 }, () => {
      pace.accepted(5);
      return pace.allowed;
    });
    expect(seen).toEqual([4, 8, 16, 16, 16]);
  });

  it('keeps still for one that had to wait, and goes down to a single one while nothing comes', () => {
    const pace = createAcceptPace();
    pace.accepted(5_000);
    expect(pace.allowed).toBe(2);
    for (let n = 0; n < 5; n += 1) pace.nothingCame();
    expect(pace.allowed).toBe(1);
  });
});
