// Neighbours settled in one tick are written as one range with one outcome: only those that are alike may share one.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { expect, it } from 'vitest';
import { settleWith } from '../../../src/bridge/disposition.ts';
import type { Disposition } from '../../../src/contract/ports.ts';
import { createRandom } from '../../kit/random.ts';

interface Written {
  readonly tick: number;
  readonly number: number;
  readonly outcome: string;
}

/** Writes at once, as the SDK does, and confirms some ticks later: an answer has a way to go. */
function fakeReceiver(confirm: () => number) {
  const written: Written[] = [];
  let tick = 0;
  let counting = true;
  const count = (): void => {
    tick++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const settle = async (raw: ServiceBusReceivedMessage, outcome: object): Promise<void> => {
    written.push({ tick, number: Number(raw.messageId), outcome: JSON.stringify(outcome) });
    for (let left = confirm(); left > 0; left--) await new Promise(setImmediate);
  };
  const receiver = {
    completeMessage: (raw: ServiceBusReceivedMessage) => settle(raw, { kind: 'complete' }),
    deferMessage: (raw: ServiceBusReceivedMessage) => settle(raw, { kind: 'defer' }),
    deadLetterMessage: (raw: ServiceBusReceivedMessage, how: object) => settle(raw, how),
  } as unknown as ServiceBusReceiver;
  return { receiver, written, stop: () => void (counting = false) };
}

const KINDS: readonly Disposition[] = [
  { kind: 'complete' },
  { kind: 'defer' },
  { kind: 'deadLetter', reason: 'R1', description: 'd' },
  { kind: 'deadLetter', reason: 'R1', description: 'other' },
  { kind: 'deadLetter', reason: 'R1', description: 'd', handled: true },
];

async function settleAll(dispositions: readonly (readonly Disposition[])[], confirm: () => number) {
  const { receiver, written, stop } = fakeReceiver(confirm);
  let number = 0;
  const settled: Promise<void>[] = [];
  for (const together of dispositions) {
    for (const disposition of together)
      settled.push(settleWith(receiver, { messageId: String(number++) } as never, disposition));
    await new Promise(setImmediate);
  }
  await Promise.all(settled);
  stop();
  return written;
}

it('lets no two outcomes share a tick, keeps the order, and settles each once', async () => {
  const random = createRandom();
  for (let run = 0; run < 200; run++) {
    const script = Array.from({ length: 1 + random.below(6) }, () =>
      Array.from({ length: random.below(8) }, () => random.pick(KINDS)),
    );
    const written = await settleAll(script, () => 1 + random.below(4));
    const said = `QUORATE_TEST_SEED=${random.seed}, run ${run}: ${JSON.stringify(written)}`;
    const outcomes = new Map<number, Set<string>>();
    for (const { tick, outcome } of written)
      outcomes.set(tick, (outcomes.get(tick) ?? new Set()).add(outcome));
    for (const shared of outcomes.values()) expect(shared.size, said).toBe(1);
    expect(
      written.map(({ number }) => number),
      said,
    ).toEqual(script.flat().map((_, number) => number));
  }
});

it('settles what is alike together: a flood to nobody costs no round trip each', async () => {
  for (const disposition of KINDS) {
    const written = await settleAll([Array.from({ length: 50 }, () => disposition)], () => 3);
    expect(new Set(written.map(({ tick }) => tick)).size).toBe(1);
  }
});

it('does not let a stream of the same outcome keep others waiting', async () => {
  const { receiver, written, stop } = fakeReceiver(() => 3);
  const settle = (number: number, disposition: Disposition) =>
    settleWith(receiver, { messageId: String(number) } as never, disposition);
  const settled: Promise<void>[] = [];
  for (let number = 0; number < 20; number++) {
    settled.push(settle(number, number === 5 ? { kind: 'complete' } : { kind: 'defer' }));
    await new Promise(setImmediate);
  }
  await Promise.all(settled);
  stop();
  expect(written.findIndex(({ number }) => number === 5)).toBe(5);
});
