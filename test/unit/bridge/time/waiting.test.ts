import { describe, expect, it } from 'vitest';
import { createBackoff } from '../../../../src/bridge/time/waiting.ts';

describe('createBackoff', () => {
  it('grows from 100 ms to a second, so that a restart is found within two', () => {
    const backoff = createBackoff(() => 0);
    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(backoff.failures).toBe(6);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('is up to a fifth shorter at random', () => {
    expect(createBackoff(() => 1).next()).toBe(80);
  });
});
