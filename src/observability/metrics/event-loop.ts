// How late and how busy the event loop is. Measured from the first time that somebody asks; what is answered is of the last ten seconds or
// more, so that two who ask do not take it from each other.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Registry } from './registry.ts';

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;
const NS_PER_S = 1e9;

/** In seconds; `utilization` is a share. */
interface Seen {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly utilization: number;
}

export interface EventLoop {
  /** Of the last window; undefined before the first one has passed. */
  look(): Seen | undefined;
  close(): void;
}

export function watchEventLoop(): EventLoop {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let begunAt: number | undefined;
  let before = performance.eventLoopUtilization();
  let seen: Seen | undefined;
  const look = (): Seen | undefined => {
    const now = performance.now();
    if (begunAt === undefined) {
      delay.enable();
      before = performance.eventLoopUtilization();
      begunAt = now;
    }
    if (now - begunAt < WINDOW_MS || delay.count === 0) return seen;
    const current = performance.eventLoopUtilization();
    seen = {
      p50: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
      utilization: performance.eventLoopUtilization(current, before).utilization,
    };
    before = current;
    begunAt = now;
    delay.reset();
    return seen;
  };
  return { look, close: () => void delay.disable() };
}

export function readEventLoop(registry: Registry, loop: Pick<EventLoop, 'look'>): void {
  registry.read('quorate.event_loop.delay', (emit) => {
    const now = loop.look();
    if (now === undefined) return;
    emit(now.p50, 'p50');
    emit(now.p99, 'p99');
    emit(now.max, 'max');
  });
  registry.read('quorate.event_loop.utilization', (emit) => {
    const now = loop.look();
    if (now !== undefined) emit(now.utilization);
  });
}

/** Node measures how far its own timer is apart: its period is no delay. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds - RESOLUTION_MS * 1e6) / NS_PER_S;
}
