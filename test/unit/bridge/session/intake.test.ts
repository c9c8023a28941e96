import { describe, expect, it } from 'vitest';
import { Intake } from '../../../../src/bridge/session/intake.ts';

describe('Intake', () => {
  it('gives at once all that is at hand, oldest first, at most what is asked for', async () => {
    const intake = new Intake<number>();
    for (const n of [1, 2, 3]) intake.push(n);
    expect(await intake.take(2, 1_000)).toEqual({ kind: 'messages', messages: [1, 2] });
    expect(await intake.take(2, 1_000)).toEqual({ kind: 'messages', messages: [3] });
  });

  it('gives one waiter a whole burst', async () => {
    const intake = new Intake<number>();
    const taken = intake.take(10, 10_000);
    for (const n of [1, 2, 3]) intake.push(n);
    await Promise.resolve();
    intake.push(4);
    expect(await taken).toEqual({ kind: 'messages', messages: [1, 2, 3, 4] });
  });

  it('says idle when nothing comes', async () => {
    expect(await new Intake().take(1, 5)).toEqual({ kind: 'idle' });
  });

  it('keeps what comes after an idle answer for the next taker', async () => {
    const intake = new Intake<number>();
    await intake.take(1, 5);
    intake.push(1);
    expect(await intake.take(1, 5)).toEqual({ kind: 'messages', messages: [1] });
  });

  it('ends a wait early when asked to, but not one whose messages have come', async () => {
    const intake = new Intake<number>();
    expect(intake.rest()).toBe(false);
    const waiting = intake.take(1, 60_000);
    expect(intake.rest()).toBe(true);
    expect(await waiting).toEqual({ kind: 'idle' });
    const served = intake.take(1, 60_000);
    intake.push(1);
    expect(intake.rest()).toBe(false);
    expect(await served).toEqual({ kind: 'messages', messages: [1] });
  });

  it('waits for ever when told so, until it is interrupted', async () => {
    const intake = new Intake<number>();
    const taken = intake.take(1, Number.POSITIVE_INFINITY);
    let answered = false;
    void taken.then(() => {
      answered = true;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(answered).toBe(false);
    intake.interrupt();
    expect(await taken).toEqual({ kind: 'interrupted' });
  });

  it('gives nothing twice when an interruption comes between arrival and handing over', async () => {
    const intake = new Intake<number>();
    const taken = intake.take(1, 1_000);
    intake.push(1);
    intake.interrupt();
    expect(await taken).toEqual({ kind: 'interrupted' });
    expect(await intake.take(1, 1_000)).toEqual({ kind: 'messages', messages: [1] });
  });
});
