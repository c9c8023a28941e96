// What goes wrong, drawn from a seed: crashes, freezes longer than a lock, restarts of the broker, cut connections, a slow disk,
// and neighbours that take the processor.
import { setTimeout as sleep } from 'node:timers/promises';
import { startNeighbours } from '../test/kit/neighbours.ts';
import type { Random } from '../test/kit/random.ts';
import type { Process } from './process.ts';
import { LOCK_MS } from './quorate.config.ts';
import type { World } from './world.ts';

const PAUSE_MS = { least: 300, more: 1_500 };
/** Past the end of every lock that the frozen process held. */
const FREEZE_MS = { least: LOCK_MS + 500, more: 3_000 };
const DOWN_MS = { least: 100, more: 1_000 };
const STALL_MS = { least: 100, more: 900 };
/** Long enough for several locks to run out, and so many that little is left. */
const STARVE_MS = { least: 2_000, more: 2 * LOCK_MS };
const NEIGHBOURS = { least: 4, more: 12 };

const KINDS = ['crash', 'crash', 'freeze', 'cut', 'cut', 'restart', 'stall', 'starve'] as const;
type Kind = (typeof KINDS)[number];

export type Disturbances = Readonly<Record<Kind, number>>;

/** Until the signal; afterwards everything runs again. */
export async function disturb(world: World, random: Random, signal: AbortSignal): Promise<Disturbances> {
  const counts: Record<Kind, number> = { crash: 0, freeze: 0, cut: 0, restart: 0, stall: 0, starve: 0 };
  const within = ({ least, more }: { readonly least: number; readonly more: number }): number =>
    least + random.below(more);
  const busy = new Set<Process>();
  const under = new Set<Promise<void>>();
  const run = (target: Process, what: () => Promise<void>): void => {
    busy.add(target);
    const done = what().finally(() => {
      busy.delete(target);
      under.delete(done);
    });
    under.add(done);
  };
  let starving = false;
  const starve = async (ms: number, count: number): Promise<void> => {
    starving = true;
    {
      await using _neighbours = startNeighbours(count, 2 * ms);
      await pause(ms);
    }
    // As long without: processes that are starved all the time and restarted on top of it do no work that could go wrong.
    await pause(ms);
    starving = false;
  };
  const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => undefined);

  while (!signal.aborted) {
    await pause(within(PAUSE_MS));
    if (signal.aborted) break;
    const kind = random.pick(KINDS);
    const target = kind === 'restart' || kind === 'stall' ? world.broker : random.pick(world.hosts);
    const ms = within(kind === 'freeze' ? FREEZE_MS : kind === 'stall' ? STALL_MS : DOWN_MS);
    if (kind === 'cut') {
      world.connections.cut();
    } else if (kind === 'starve') {
      if (starving) continue;
      const done = starve(within(STARVE_MS), within(NEIGHBOURS)).finally(() => under.delete(done));
      under.add(done);
    } else if (busy.has(target)) {
      continue;
    } else if (kind === 'crash' || kind === 'restart') {
      run(target, async () => {
        await target.kill();
        await pause(ms);
        await target.start();
      });
    } else {
      run(target, async () => {
        target.freeze();
        await pause(ms);
        target.thaw();
      });
    }
    counts[kind] += 1;
  }
  await Promise.all(under);
  return counts;
}
