import { describe, expect, it } from 'vitest';
import { limitSignal } from '../../../src/common/signals.ts';

describe('a limited signal', () => {
  it('aborts with the first of its sources, for its reason', async () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal, aborted } = limitSignal({ sources: [one.signal, undefined, other.signal] });
    const reason = new Error('enough');
    other.abort(reason);
    one.abort(new Error('too late'));
    expect(signal.reason).toBe(reason);
    await expect(aborted).rejects.toBe(reason);
  });

  it('aborts at once for a source that has aborted before', () => {
    const { signal } = limitSignal({ sources: [AbortSignal.abort('gone')] });
    expect(signal.reason).toBe('gone');
  });

  it('aborts when its time is up', async () => {
    const late = new Error('late');
    const { signal, aborted } = limitSignal({ sources: [], timeoutMs: 1, onTimeout: () => late });
    await expect(aborted).rejects.toBe(late);
    expect(signal.reason).toBe(late);
  });

  it('lets go of its sources and its timer when it is released', () => {
    const source = new AbortController();
    const { signal, release } = limitSignal({ sources: [source.signal], timeoutMs: 60_000 });
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    release();
    source.abort();
    expect(signal.aborted).toBe(false);
    expect(timers()).toBe(before - 1);
  });
});
