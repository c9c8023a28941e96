import { describe, expect, it } from 'vitest';
import { Slots } from '../../../../src/bridge/tasks/slots.ts';

describe('Slots', () => {
  it('lets no more in than there are, first come, first served', async () => {
    const slots = new Slots(1);
    expect(slots.take()).toBeUndefined();
    const order: string[] = [];
    const waiting = ['a', 'b'].map(async (name) => {
      await slots.take();
      order.push(name);
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    slots.free();
    await waiting[0];
    expect(order).toEqual(['a']);
    slots.free();
    await waiting[1];
    slots.free();
    expect(slots.take()).toBeUndefined();
  });
});
