import { describe, expect, it } from 'vitest';
import { AbortScope, type RequestSignal } from '../../../../src/bridge/connection/abort-scope.ts';

const never = <T>(): Promise<T> => new Promise(() => {});

describe('AbortScope', () => {
  it('passes on what a request gives', async () => {
    const abortScope = new AbortScope();
    expect(await abortScope.run(() => Promise.resolve(1))).toEqual({ kind: 'done', value: 1 });
    const error = new Error('no');
    expect(await abortScope.run(() => Promise.reject(error))).toEqual({ kind: 'failed', error });
  });

  it('cancels what is in flight when it is sealed, and tells the request', async () => {
    const abortScope = new AbortScope();
    const signals: RequestSignal[] = [];
    let aborts = 0;
    const pending = abortScope.run((signal) => {
      signals.push(signal);
      signal.addEventListener('abort', () => {
        aborts += 1;
      });
      return never();
    });
    abortScope.seal();
    abortScope.seal();
    expect(await pending).toEqual({ kind: 'cancelled' });
    expect(signals[0]?.aborted).toBe(true);
    expect(aborts).toBe(1);
  });

  it('starts nothing once it is sealed', async () => {
    const abortScope = new AbortScope();
    abortScope.seal();
    let started = false;
    const reply = await abortScope.run(() => {
      started = true;
      return never();
    });
    expect(reply).toEqual({ kind: 'cancelled' });
    expect(started).toBe(false);
    expect(abortScope.sealed).toBe(true);
  });

  it('leaves a request that has ended alone', async () => {
    const abortScope = new AbortScope();
    let signal: RequestSignal | undefined;
    await abortScope.run((given) => {
      signal = given;
      return Promise.resolve();
    });
    abortScope.seal();
    expect(signal?.aborted).toBe(false);
  });

  it('forgets listeners that are taken off', async () => {
    const abortScope = new AbortScope();
    let aborts = 0;
    const listener = (): void => {
      aborts += 1;
    };
    const pending = abortScope.run((signal) => {
      signal.addEventListener('abort', listener);
      signal.removeEventListener('abort', listener);
      return never();
    });
    abortScope.seal();
    await pending;
    expect(aborts).toBe(0);
  });
});
