import { describe, expect, it } from 'vitest';
import { parentIn, residentIn } from '../../../../bench/kit/process-tree.ts';

describe('what /proc says of a process', () => {
  it('gives its parent, whatever the name of its command', () => {
    expect(parentIn('4711 (node) S 42 4711 42 0 -1')).toBe(42);
    expect(parentIn('4711 (a) b (c) R 43 4711 42 0 -1')).toBe(43);
  });

  it('gives no parent for a process that is gone', () => {
    expect(parentIn('')).toBeUndefined();
  });

  it('gives its resident memory in bytes', () => {
    expect(residentIn('Name:\tnode\nVmHWM:\t  2000 kB\nVmRSS:\t  1500 kB\n')).toBe(1500 * 1024);
    expect(residentIn('')).toBe(0);
  });
});
