// What people ordered, as a process hears it: asked for again and again, told at once, and counting for a while only.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Json } from '../../../src/contract/json.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import type { Follow } from '../../../src/control/orders/protocol.ts';
import { followOrders } from '../../../src/mailbox/standing-orders.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const LOCK_MS = 30_000;
const PRICE = { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' };
const PRICES = { m: PRICE, n: { ...PRICE, revision: 2 } };
const never = new AbortController().signal;

function setUp(skips = false) {
  const asked: Follow[] = [];
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  let hear: (value: Json) => void = () => {};
  const orders = followOrders({
    process: 'p',
    agents: ['a', 'b'],
    prices: PRICES,
    lockDurationMs: LOCK_MS,
    clock: { now: () => 0, skips },
    logger: { ...SILENT, info: say, warn: say },
    mailbox: {
      tell: async (_to, event) => void asked.push(event as unknown as Follow),
      listen: (_id, onValue) => {
        hear = onValue;
        const address = { entity: 'replies', sessionId: 'p', correlationId: 'orders' };
        return { address, release: () => void lines.push('released') };
      },
    },
  });
  const told = (revision: number, paused: Json = {}, prices: Json = {}): void =>
    hear({ revision, paused, prices });
  const answer = (revision = 0, paused: Json = {}, seq = asked.at(-1)?.seq ?? 0): void =>
    hear({ seq, revision, paused, prices: {} });
  return { orders, asked, lines, told, answer };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('standing orders', () => {
  it('hold everything until the first answer, and a task in hand waits a second for it', async () => {
    const { orders, answer } = setUp();
    expect([orders.holds('a'), orders.pauseOf('a')]).toEqual([true, undefined]);
    let isOver = false;
    void orders.heard()?.then(() => {
      isOver = true;
    });
    await pass(999);
    expect(isOver).toBe(false);
    await pass(1);
    expect(isOver).toBe(true);
    const waits = orders.heard();
    answer();
    await waits;
    expect([orders.heard(), orders.holds('a')]).toEqual([undefined, false]);
  });

  it('are heard at once where they change, said in a line, and an older word changes nothing', async () => {
    const { orders, lines, told, answer } = setUp();
    answer();
    expect(orders.ready('a', never)).toBeUndefined();
    told(2, { a: { since: 7, reason: 'costs' }, other: { since: 7 } });
    told(1);
    expect([orders.holds('a'), orders.holds('b')]).toEqual([true, false]);
    expect(orders.pauseOf('a')).toEqual({ since: 7, reason: 'costs' });
    const ready = orders.ready('a', never);
    told(3, { a: { since: 7 } });
    told(4);
    await ready;
    expect(orders.holds('a')).toBe(false);
    expect(lines).toEqual(["agent 'a' is paused: costs", "agent 'a' is paused", "agent 'a' is resumed"]);
  });

  it('count for a lock and half a minute from when they were asked for, and hold everything then', async () => {
    const { orders, asked, answer, told } = setUp();
    await pass(400);
    answer();
    const validMs = LOCK_MS + 30_000;
    await pass(validMs - 400 - 1);
    expect(orders.holds('a')).toBe(false);
    // A word that nobody asked for says nothing of when it was said.
    told(1);
    await pass(1);
    expect(orders.holds('a')).toBe(true);
    const ready = orders.ready('a', never);
    // Another one that was asked for long ago does not either.
    answer(1, {}, 1);
    expect(orders.holds('a')).toBe(true);
    answer(1);
    await ready;
    expect(asked.length).toBeGreaterThan(10);
  });

  it('are asked for every 15 seconds, every second where nobody answers, and that is said once', async () => {
    const { asked, lines, answer } = setUp();
    answer();
    await pass(14_999);
    expect(asked).toHaveLength(1);
    await pass(1);
    expect(asked).toHaveLength(2);
    await pass(30_000);
    expect(asked.length).toBeGreaterThan(30);
    expect(lines).toEqual([expect.stringMatching(/^nobody has said for 10 s which agents are paused/)]);
    answer();
    expect(lines.at(-1)).toBe('what is ordered at run time is heard again');
  });

  it('of prices count where their revision is higher, and are said in a line', () => {
    const { orders, lines, told } = setUp();
    expect(orders.prices()).toBe(PRICES);
    told(1, {}, { m: { ...PRICE, inputPerMillion: 2, revision: 1 }, n: { ...PRICE, revision: 1 } });
    expect(orders.prices()).toEqual({ ...PRICES, m: { ...PRICE, inputPerMillion: 2, revision: 1 } });
    told(2, {}, { m: { ...PRICE, inputPerMillion: 2, revision: 1 } });
    told(3, {}, { m: { ...PRICE, inputPerMillion: 2, revision: 2, isOrdered: true } });
    expect(lines).toEqual([
      "model 'm' costs 2 USD a million tokens of input, 10 USD of output now, revision 1",
      "model 'm' costs 2 USD a million tokens of input, 10 USD of output now, revision 2",
    ]);
  });

  it('end a wait by its signal, and all by their end', async () => {
    const { orders, asked, lines } = setUp();
    const over = new AbortController();
    const ready = orders.ready('a', over.signal);
    over.abort();
    await ready;
    expect(orders.ready('a', over.signal)).toBeUndefined();
    orders.close();
    await pass(60_000);
    expect([asked.length, lines]).toEqual([1, ['released']]);
  });

  it('in virtual time are asked for once, and what was heard counts until something else is', async () => {
    const { orders, asked, answer } = setUp(true);
    const first = orders.heard();
    await pass(3_600_000);
    answer();
    await first;
    await pass(3_600_000);
    expect([asked.length, orders.holds('a')]).toEqual([1, false]);
    // It is told of changes however long it has said nothing.
    expect(asked[0]?.silenceMs).toBeGreaterThan(31_536_000_000);
  });
});
