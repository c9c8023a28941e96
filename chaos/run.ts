// One run: work and disturbances for so long, then quiet, then the verdict.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../src/client/connect.ts';
import { createRandom } from '../test/kit/random.ts';
import { type Disturbances, disturb } from './disturb.ts';
import { startLoad } from './load.ts';
import { judge, type Verdict } from './verdict.ts';
import { createWorld } from './world.ts';

const REPORT_MS = 5_000;
/** After the last disturbance everything must have ended within: many locks and back-offs. */
const SETTLE_MS = 120_000;

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface ChaosResult extends Verdict {
  readonly asked: number;
  readonly disturbances: Disturbances;
  /** Logs, ledgers and data; removed when all was well. */
  readonly folder: string;
}

export async function runChaos({ seconds, seed, say }: ChaosOptions): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-chaos-'));
  const random = createRandom(seed);
  const world = await createWorld(folder);
  const over = new AbortController();
  try {
    const client = await connect({ connectionString: world.connectionString, env: {} });
    const load = startLoad(client, createRandom(seed + 1), over.signal);
    const disturbing = disturb(world, random, over.signal);
    // A host that cannot be started again ends the run.
    disturbing.catch(() => over.abort());
    const endsAt = Date.now() + seconds * 1000;
    while (Date.now() < endsAt && !over.signal.aborted) {
      await sleep(Math.min(REPORT_MS, Math.max(0, endsAt - Date.now())));
      say(
        `${load.ended} of ${load.asked} ended, ${Math.max(0, Math.round((endsAt - Date.now()) / 1000))} s to go`,
      );
    }
    over.abort();
    const disturbances = await disturbing;
    say(`quiet after ${JSON.stringify(disturbances)}; ${load.asked - load.ended} still open`);
    const ends = await load.finish(SETTLE_MS);
    const verdict = await judge(ends, world.ledger, client);
    await client.close();
    await world.stop();
    if (verdict.violations.length === 0) await rm(folder, { recursive: true, force: true });
    return { ...verdict, asked: ends.length, disturbances, folder };
  } finally {
    over.abort();
    await world.stop();
  }
}
