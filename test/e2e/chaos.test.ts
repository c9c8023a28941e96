// Ten seconds of chaos with a seed of its own: `npm run chaos` runs it for longer.
import { expect, it } from 'vitest';
import { runChaos } from '../../chaos/run.ts';
import { createRandom } from '../kit/random.ts';

const SECONDS = 10;
/** The end of it waits for locks and back-offs; five times what it takes is a hang. */
const LIMIT_MS = 400_000;

it(
  'sums are conserved, effects happen once and nothing is stuck, whatever crashes, freezes or is cut',
  async () => {
    const { seed } = createRandom();
    console.log(`chaos: QUORATE_TEST_SEED=${seed}`);
    const result = await runChaos({ seconds: SECONDS, seed, say: () => {} });
    expect(result.violations, `logs and data are in ${result.folder}`).toEqual([]);
    expect(result.transfers).toBeGreaterThan(0);
    expect(Object.values(result.disturbances).reduce((sum, count) => sum + count)).toBeGreaterThan(2);
  },
  LIMIT_MS,
);
