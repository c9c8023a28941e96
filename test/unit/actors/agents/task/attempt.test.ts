import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createPieces } from '../../../../../src/actors/agents/task/attempt.ts';
import { type ErrorCode, QuorateError } from '../../../../../src/contract/errors.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { createRandom } from '../../../../kit/random.ts';

function setUp(refuses: (value: Json) => ErrorCode | undefined = () => undefined) {
  const accepted: [number, Json][] = [];
  const send = async (value: Json, seq: number): Promise<void> => {
    await sleep(0);
    const code = refuses(value);
    if (code !== undefined) throw new QuorateError(code, 'refused');
    accepted.push([seq, value]);
  };
  return { accepted, pieces: createPieces(send) };
}

it('numbers what was accepted from 0, without a gap, whatever is refused and whoever waits', async () => {
  const random = createRandom();
  for (let run = 0; run < 50; run++) {
    const refused = new Set(Array.from({ length: 5 }, () => random.below(20)));
    const { pieces, accepted } = setUp((value) =>
      refused.has(value as number) ? 'EFFECT_TOO_LARGE' : undefined,
    );
    for (let n = 0; n < 20; n++) {
      const sent = pieces.send(n).catch(() => {});
      if (random.below(2) === 0) await sent;
    }
    await pieces.idle();
    const values = Array.from({ length: 20 }, (_, n) => n).filter((n) => !refused.has(n));
    expect(accepted, `QUORATE_TEST_SEED=${random.seed}`).toEqual(values.map((value, seq) => [seq, value]));
  }
});

it('refuses all that follow one of which nobody knows whether it was accepted', async () => {
  const { pieces, accepted } = setUp((value) => (value === 1 ? 'CONNECTION_FAILED' : undefined));
  const sent = await Promise.allSettled([0, 1, 2, 3].map((n) => pieces.send(n)));
  expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  await expect(pieces.send(4)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  expect(accepted).toEqual([[0, 0]]);
});
