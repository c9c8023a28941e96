// node --test order.test.ts
import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { exploreCrashes } from 'quorate/testing';

const config = {
  machines: {
    order: { module: new URL('./order.machine.ts', import.meta.url), export: 'order', version: '1' },
  },
  agents: { charge: { run: () => 'receipt' }, ship: { run: () => 'parcel' } },
};

void test('an order is charged once, wherever its host dies', { timeout: 300_000 }, async () => {
  await exploreCrashes(
    {
      config,
      run: async ({ client, settled }) => {
        await client.start('order', { id: 'o', input: { amount: 20 } });
        await client.send('order', 'o', { type: 'approve' });
        await settled();
        equal((await client.query('order', 'o')).value, 'shipped');
      },
    },
    // Without them all ten are tried, in four times the time.
    { faults: ['crash'] },
  );
});

void test('an order that nobody approves lapses after three days', { timeout: 300_000 }, async () => {
  await exploreCrashes(
    {
      config,
      run: async ({ client, advance }) => {
        await client.start('order', { id: 'o', input: { amount: 20 } });
        await advance('3 days');
        equal((await client.query('order', 'o')).value, 'lapsed');
      },
    },
    // The timer is what it is about.
    { faults: ['crash', 'asleep'] },
  );
});
