// Time as a process lived it: what the machine gave to others does not count.
import { expect, it, vi } from 'vitest';
import { LivedTime } from '../../../src/testing/real-time.ts';

it.each([
  { pauses: [10, 10, 10], lived: 30 },
  // One that was late by as much again is taken as it is.
  { pauses: [10, 18, 10], lived: 38 },
  // One that the machine did not serve for a minute is not.
  { pauses: [10, 60_000, 10], lived: 40 },
])('counts pauses of $pauses ms as $lived ms', ({ pauses, lived }) => {
  let now = 1_000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const time = new LivedTime();
    let last = 0;
    for (const pause of pauses) {
      now += pause;
      last = time.look(10);
    }
    expect(last).toBe(lived);
  } finally {
    clock.mockRestore();
  }
});
