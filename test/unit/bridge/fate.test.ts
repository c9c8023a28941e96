import { describe, expect, it } from 'vitest';
import { Fate, type RequestSignal } from '../../../src/bridge/fate.ts';

const never = <T>(): Promise<T> => new Promise(() => {});

describe('Fate', () => {
  it('passes on what a request gives', async () => {
    const fate = new Fate();
    expect(await fate.run(() => Promise.resolve(1))).toEqual({ kind: 'done', value: 1 });
    const error = new Error('no');
    expect(await fate.run(() => Promise.reject(error))).toEqual({ kind: 'failed', error });
  });

  it('cancels what is in flight when it is sealed, and tells the request', async () => {
    const fate = new Fate();
    const signals: RequestSignal[] = [];
    let aborts = 0;
    const pending = fate.run((signal) => {
      signals.push(signal);
      signal.addEventListener('abort', () => {
        aborts += 1;
      });
      return never();
    });
    fate.seal();
    fate.seal();
    expect(await pending).toEqual({ kind: 'cancelled' });
    expect(signals[0]?.aborted).toBe(true);
    expect(aborts).toBe(1);
  });

  it('starts nothing once it is sealed', async () => {
    const fate = new Fate();
    fate.seal();
    let started = false;
    const reply = await fate.run(() => {
      started = true;
      return never();
    });
    expect(reply).toEqual({ kind: 'cancelled' });
    expect(started).toBe(false);
    expect(fate.sealed).toBe(true);
  });

  it('leaves a request that has ended alone', async () => {
    const fate = new Fate();
    let signal: RequestSignal | undefined;
    await fate.run((given) => {
      signal = given;
      return Promise.resolve();
    });
    fate.seal();
    expect(signal?.aborted).toBe(false);
  });

  it('forgets listeners that are taken off', async () => {
    const fate = new Fate();
    let aborts = 0;
    const listener = (): void => {
      aborts += 1;
    };
    const pending = fate.run((signal) => {
      signal.addEventListener('abort', listener);
      signal.removeEventListener('abort', listener);
      return never();
    });
    fate.seal();
    await pending;
    expect(aborts).toBe(0);
  });
});
