// The patterns through the real bus: offers that the broker expires, pieces put in order by deferral, sagas undone.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import type { AgentContext, Role } from '../../../src/contract/config.ts';
import type { CompensationTask, SagaTask } from '../../../src/machines/saga.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const critic = (least: number) => ({
  run: ({ offers }: { offers: { offer: { price: number } }[] }) => {
    const prices = offers.map(({ offer }) => offer.price);
    const price = Math.min(...prices);
    return { choice: prices.indexOf(price), score: price <= least ? 10 : 1, feedback: `not above ${least}` };
  },
});
const offer = (price: number) => ({
  run: ({ item }: { item: { feedback?: string } }) => ({
    price: item.feedback === undefined ? price : price / 2,
  }),
});

describe('a proposal', () => {
  it('is refused, refined by the critic’s feedback, and accepted', async () => {
    await using test = await startRuntime({
      machines: { deal: app('patterns.machine.ts', 'deal') },
      agents: { cheap: offer(100), dear: offer(200), buyer: critic(50) },
    });
    const { client } = test.runtime;
    await client.start('deal', { id: 'd', input: { request: 'a car' } as never });
    expect(await client.result('deal', 'd')).toMatchObject({
      outcome: 'accepted',
      offer: { price: 50 },
      proposer: 'cheap',
      rounds: 2,
      refused: [{ round: 1, proposer: 'cheap', score: 1 }],
      expired: 0,
    });
  });

  it('ends with the best so far when its rounds run out', async () => {
    await using test = await startRuntime({
      machines: { deal: app('patterns.machine.ts', 'deal') },
      agents: { cheap: offer(100), dear: offer(200), buyer: critic(1) },
    });
    const { client } = test.runtime;
    await client.start('deal', { id: 'd', input: { request: 'a car' } as never });
    expect(await client.result('deal', 'd')).toMatchObject({
      outcome: 'rounds-exhausted',
      offer: { price: 50 },
      rounds: 2,
    });
  });

  it('goes on without an offer that the broker’s time to live has ended', async () => {
    const broker = await startBrokerFor(['deal'], ['cheap', 'dear', 'buyer'], { clock: 'virtual', idle: {} });
    const clock = { now: () => broker.now(), skips: true };
    const data = await mkdtemp(join(tmpdir(), 'quorate-offers-'));
    const config = (roles: Role[]) => ({
      machines: { deal: app('patterns.machine.ts', 'deal') },
      agents: { cheap: offer(100), dear: offer(200), buyer: critic(50) },
      connectionString: broker.connectionString,
      lockDurationMs: LOCK_MS,
      roles,
      data,
    });
    try {
      {
        await using actors = await startRuntime(config(['actors']), { clock });
        await actors.runtime.client.start('deal', { id: 'd', input: { request: 'a car' } as never });
      }
      {
        // Offers are made while nobody is there to take them, and lapse in their queue.
        await using agents = await startRuntime(config(['agents']), { clock });
        await expect
          .poll(() => agents.runtime.counters().agents)
          .toMatchObject({ cheap: { started: 1 }, dear: { started: 1 } });
        await broker.advance(61_000);
      }
      await using both = await startRuntime(config(['actors', 'agents']), { clock });
      expect(await both.runtime.client.result('deal', 'd', { timeoutMs: 60_000 })).toMatchObject({
        outcome: 'rounds-exhausted',
        offer: { price: 100 },
        expired: 2,
        rounds: 2,
      });
      // The proposal counted them: nobody else has to.
      const letters = both.runtime.client.deadLetters;
      await expect
        .poll(async () => (await letters.list({ all: true })).items)
        .toMatchObject([
          { code: 'OFFER_EXPIRED', handled: true },
          { code: 'OFFER_EXPIRED', handled: true },
        ]);
      expect((await letters.list()).items).toEqual([]);
      expect(both.runtime.counters().deadLetters).toBe(0);
    } finally {
      await broker.stop();
      await rm(data, { recursive: true, force: true });
    }
  });

  it('puts pieces that arrive out of order in order, by deferral', async () => {
    const broker = await startBrokerFor(['deal'], ['cheap', 'dear', 'buyer']);
    const seen: { seq: number }[] = [];
    const begun = Promise.withResolvers<void>();
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    try {
      await using test = await startRuntime(
        {
          machines: { deal: app('patterns.machine.ts', 'deal') },
          agents: {
            cheap: {
              run: async () => {
                begun.resolve();
                await held;
                return { price: 1 };
              },
            },
            dear: offer(200),
            buyer: critic(50),
          },
          connectionString: broker.connectionString,
          lockDurationMs: LOCK_MS,
        },
        {
          inspection: {
            actor: () => {},
            step: ({ events }) =>
              seen.push(
                ...(events
                  .map(({ event }) => event)
                  .filter(({ type }) => type === 'quorate.partial.offers') as never[]),
              ),
          },
        },
      );
      const { client } = test.runtime;
      await client.start('deal', { id: 'd', input: { request: 'a car' } as never });
      await begun.promise;
      // An agent sends them in order: that they come in another is the network's doing.
      const out = new ServiceBusClient(broker.connectionString);
      const pieces = [
        [1, 'second'],
        [2, 'third'],
        [0, 'first'],
      ] as const;
      for (const [seq, value] of pieces) {
        await out.createSender('actor.deal').sendMessages({
          sessionId: 'd',
          subject: 'partial',
          body: { kind: 'partial', execution: '1.0', branch: 0, seq, value },
        });
      }
      await out.close();
      await expect
        .poll(async () => (await client.query('deal', 'd')).context)
        .toMatchObject({ partials: { count: 3, last: { cheap: { seq: 2, value: 'third' } } } });
      expect(seen.map(({ seq }) => seq)).toEqual([0, 1, 2]);
      letGo();
      expect(await client.result('deal', 'd')).toMatchObject({ outcome: 'accepted', offer: { price: 1 } });
      expect((await broker.counters())['settled.defer']).toBe(2);
      await expect
        .poll(async () => (await broker.status()).find(({ name }) => name === 'actor.deal'))
        .toMatchObject({ active: 0, deferred: 0, deadLettered: 0 });
    } finally {
      await broker.stop();
    }
  });
});

describe('a saga', () => {
  const booked: string[] = [];
  const agents = {
    book: {
      retry: { attempts: 1 },
      run: ({ input, step }: SagaTask<{ fail: string }>) => {
        if (input.fail === step) throw Object.assign(new Error(`no ${step}`), { code: 'SOLD_OUT' });
        booked.push(step);
        return `${step} booked`;
      },
    },
    cancelBooking: {
      retry: { attempts: 1 },
      run: ({ step, attempt }: CompensationTask<{ fail: string }>) => {
        if (attempt < 2) throw new Error('line is busy');
        booked.splice(booked.indexOf(step), 1);
        return `${step} cancelled`;
      },
    },
  };

  it('is done step by step, or undone in reverse order with retries; its status is readable at any time', async () => {
    await using test = await startRuntime({ machines: { trip: app('patterns.machine.ts', 'trip') }, agents });
    const { client } = test.runtime;
    await client.start('trip', { id: 'ok', input: { fail: '' } as never });
    expect(await client.result('trip', 'ok')).toMatchObject({
      status: 'done',
      completed: ['flight', 'hotel', 'car'],
    });
    expect(booked.splice(0)).toEqual(['flight', 'hotel', 'car']);
    await client.start('trip', { id: 'bad', input: { fail: 'car' } as never });
    expect(await client.result('trip', 'bad')).toMatchObject({
      status: 'compensated',
      compensated: ['hotel', 'flight'],
      failure: { step: 'car', error: { code: 'SOLD_OUT' } },
    });
    expect(booked).toEqual([]);
    expect((await client.query('trip', 'bad')).context).toMatchObject({
      status: 'compensated',
      completed: ['flight', 'hotel'],
    });
  });

  it('that a client cancels stays as it stands: nothing is undone', async () => {
    let isAsked = false;
    const stuck = {
      retry: { attempts: 1 },
      run: async ({ input, step }: SagaTask<{ fail: string }>, context: AgentContext) => {
        if (step !== 'car') return agents.book.run({ input, step } as never);
        isAsked = true;
        return new Promise<never>((_, reject) =>
          context.signal.addEventListener('abort', () => reject(context.signal.reason as Error)),
        );
      },
    };
    booked.splice(0);
    await using test = await startRuntime({
      machines: { trip: app('patterns.machine.ts', 'trip') },
      agents: { ...agents, book: stuck },
    });
    const { client, counters } = test.runtime;
    await client.start('trip', { id: 'c', input: { fail: '' } as never });
    await expect.poll(() => isAsked).toBe(true);
    expect(await client.cancel('trip', 'c')).toBe('cancelled');
    await expect.poll(() => counters().agents['book']?.aborted).toBe(1);
    expect(await client.query('trip', 'c')).toMatchObject({
      status: 'stopped',
      context: { completed: ['flight', 'hotel'] },
    });
    expect(counters().agents['cancelBooking']?.started).toBe(0);
    expect(booked.splice(0)).toEqual(['flight', 'hotel']);
  });

  it('runs as the child of a user’s own machine, in a session of its own', async () => {
    await using test = await startRuntime({
      machines: { holiday: app('patterns.machine.ts', 'holiday') },
      agents,
    });
    const { client } = test.runtime;
    await client.start('holiday', { id: 'h', input: { fail: 'hotel' } as never });
    expect(await client.result('holiday', 'h')).toEqual({ status: 'compensated' });
    await client.start('holiday', { id: 'i', input: { fail: '' } as never });
    expect(await client.result('holiday', 'i')).toEqual({ status: 'done' });
  });
});
