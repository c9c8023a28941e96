// The broker's thread hangs or dies by itself: whoever started it is told.
import { expect, test } from 'vitest';
import { startBroker } from '../../src/index.ts';

const entry = new URL('../../../../test/fixtures/broker/failing-thread.ts', import.meta.url);

test.each([
  [
    'hangs',
    /^its thread has not moved for 1 s; when it last did, it was taking a frame, last frame 0x14 of connection 7$/,
  ],
  ['dies', /^its thread failed: Error: on purpose$/],
])('a thread that %s ends the broker, which says where it stood', async (host, reason) => {
  const broker = await startBroker({ data: { memory: true }, host }, { entry, hungAfterMs: 1_000 });
  expect(await broker.closed).toEqual({ reason: expect.stringMatching(reason), died: true });
  await expect(broker.status()).rejects.toMatchObject({ code: 'BROKER_STOPPED' });
  await broker.stop();
});
