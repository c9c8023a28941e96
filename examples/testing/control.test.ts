// node --test control.test.ts
import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { exploreCrashes } from 'quorate/testing';

const order = { module: new URL('./order.machine.ts', import.meta.url), export: 'order', version: '1' };
const orders = ['a', 'b', 'c'];

void test('orders wait for the bank, and are charged at its pace', { timeout: 300_000 }, async () => {
  const config = {
    machines: { order },
    agents: { charge: { limit: 'bank', run: () => 'receipt' }, ship: { run: () => 'parcel' } },
    limits: { bank: { requestsPerMinute: 20 } },
    atRunTime: true,
  };
  await exploreCrashes(
    {
      config,
      holdLimits: true,
      run: async ({ client, advance, settled }) => {
        await client.agents.pause('charge', { reason: 'the bank is down' });
        await settled();
        for (const id of orders) {
          await client.start('order', { id, input: { amount: 20 } });
          await client.send('order', id, { type: 'approve' });
        }
        await advance('2 minutes');
        for (const id of orders) equal((await client.query('order', id)).value, 'charging');
        await client.agents.resume('charge');
        await advance('2 minutes');
        for (const id of orders) equal((await client.query('order', id)).value, 'shipped');
      },
    },
    // A share of the places: three orders have hundreds.
    { faults: ['crash'], sample: 0.03 },
  );
});
