/**
 * Watches a broker's thread by its pulse. Looked at a few times a second, and only looks count: time in which this process
 * stood still (SIGSTOP, a suspended machine) brings none, and while the thread has marked itself in a disk call none counts.
 */
import type { Pulse } from '../core/pulse.ts';

const LOOK_MS = 500;
/** A thread that does not beat for so long never will: its beat comes twice a second, whatever it has to do. */
export const HUNG_AFTER_MS = 10_000;

export interface Watchdog {
  /** One look; made by the timer, and by tests. */
  look(): void;
  stop(): void;
}

export function watch(
  pulse: Pick<Pulse, 'beat' | 'inDiskCall' | 'where'>,
  onHung: (line: string) => void,
  { hungAfterMs = HUNG_AFTER_MS, lookMs = LOOK_MS } = {},
): Watchdog {
  let last = 0;
  let looks = 0;
  let told = false;
  const look = (): void => {
    const { beat } = pulse;
    if (beat === 0 || beat !== last || pulse.inDiskCall) {
      last = beat;
      looks = 0;
      return;
    }
    looks += 1;
    if (told || looks * lookMs < hungAfterMs) return;
    told = true;
    clearInterval(timer);
    onHung(
      `its thread has not moved for ${Math.round(hungAfterMs / 1000)} s; when it last did, ${pulse.where}`,
    );
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
