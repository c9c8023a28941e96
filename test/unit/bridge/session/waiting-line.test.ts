import { describe, expect, it } from 'vitest';
import { WaitingLine } from '../../../../src/bridge/session/waiting-line.ts';

const LONG_MS = 60_000;

describe('WaitingLine', () => {
  it('gives what is free at once, then first come, first served', async () => {
    const places = new WaitingLine(1);
    expect(await places.take(LONG_MS)).toBe(true);
    const order: string[] = [];
    const line = ['a', 'b'].map(async (name) => {
      expect(await places.take(LONG_MS)).toBe(true);
      order.push(name);
    });
    expect(places.waiting).toBe(2);
    places.free();
    await line[0];
    expect(order).toEqual(['a']);
    expect(places.waiting).toBe(1);
    places.free();
    await line[1];
    places.free();
    expect(await places.take(LONG_MS)).toBe(true);
  });

  it('lets nobody wait longer than he is patient, and keeps the place for the next', async () => {
    const places = new WaitingLine(0);
    const impatient = places.take(1);
    const patient = places.take(LONG_MS);
    expect(await impatient).toBe(false);
    places.free();
    expect(await patient).toBe(true);
    expect(places.waiting).toBe(0);
  });

  it('sends the whole line away when it is closed', async () => {
    const places = new WaitingLine(0);
    const line = [places.take(LONG_MS), places.take(LONG_MS)];
    places.close();
    expect(await Promise.all(line)).toEqual([false, false]);
    expect(await places.take(LONG_MS)).toBe(false);
  });

  it('of which there are fewer lets nobody in before there is room, and of which there are more lets in at once', async () => {
    const places = new WaitingLine(2);
    await Promise.all([places.take(LONG_MS), places.take(LONG_MS)]);
    places.resize(1);
    expect(places.crowded).toBe(true);
    let admitted = 0;
    const line = [1, 2].map(async () => places.take(LONG_MS).then(() => (admitted += 1)));
    places.free();
    expect(places.crowded).toBe(false);
    await Promise.resolve();
    expect(admitted).toBe(0);
    places.resize(3);
    await Promise.all(line);
    expect(admitted).toBe(2);
  });
});
