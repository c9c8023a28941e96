import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { asSent } from '../../../src/client/letter-order.ts';
import { type InboundMessage, PROPERTY } from '../../../src/contract/wire.ts';
import { inbound } from '../../kit/inbound.ts';
import { createRandom } from '../../kit/random.ts';

const SEED = createRandom().seed;
console.info(`letter-order.test: QUORATE_TEST_SEED=${SEED}`);

/** Of an actor, sent to it as the `sent`-th. */
const letter = (id: string, sent: number, properties = {}): InboundMessage =>
  inbound(
    'event',
    { text: 'large' },
    {
      properties: {
        [PROPERTY.deadFrom]: 'actor.m',
        [PROPERTY.deadSession]: id,
        [PROPERTY.deadSent]: 1_000 + Math.floor(sent / 3),
        [PROPERTY.deadNumber]: sent,
        ...properties,
      },
    },
  );

async function* come<T>(letters: readonly T[], onPull: () => void = () => {}): AsyncGenerator<T> {
  for (const one of letters) {
    onPull();
    yield one;
  }
}

async function ordered(letters: readonly InboundMessage[], ahead?: number) {
  const out: { of: string; sent: number; number: number }[] = [];
  for await (const { properties, sequenceNumber } of asSent(come(letters), ahead)) {
    const { [PROPERTY.deadSession]: of, [PROPERTY.deadNumber]: sent } = properties;
    out.push({ of: String(of), sent: Number(sent), number: sequenceNumber });
  }
  return out;
}

it('gives letters of an actor as they were sent to it, at the places that its letters have', async () => {
  const arrivals = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), sent: fc.nat(50) }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(arrivals, async (given) => {
      const letters = given.map(({ id, sent }) => letter(id, sent));
      const out = await ordered(letters);
      expect(out.map(({ of }) => of)).toEqual(given.map(({ id }) => id));
      expect(out.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(
        letters.map(({ sequenceNumber }) => sequenceNumber),
      );
      for (const id of ['a', 'b', 'c']) {
        const sent = out.filter(({ of }) => of === id).map((one) => one.sent);
        expect(sent).toEqual(sent.toSorted((a, b) => a - b));
      }
    }),
    { seed: SEED },
  );
});

it('leaves as they came what says nothing of when it was sent, and what is for no session', async () => {
  const silent = { [PROPERTY.deadSent]: '', [PROPERTY.deadNumber]: '' };
  const tasks = { [PROPERTY.deadSession]: '' };
  const letters = [2, 1, 0].flatMap((sent) => [letter('a', sent, silent), letter('', sent, tasks)]);
  const out = await ordered(letters);
  expect(out.map(({ number }) => number)).toEqual(letters.map(({ sequenceNumber }) => sequenceNumber));
});

it('holds no more letters than it looks ahead, and none of their bodies', async () => {
  let pulled = 0;
  let given = 0;
  const letters = Array.from({ length: 100 }, (_, at) => letter(String(at % 7), at));
  for await (const slim of asSent(
    come(letters, () => pulled++),
    10,
  )) {
    expect(slim).not.toHaveProperty('body');
    given += 1;
    expect(pulled - given).toBeLessThanOrEqual(10);
  }
  expect(given).toBe(100);
});
