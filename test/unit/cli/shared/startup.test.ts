import { describe, expect, it, vi } from 'vitest';
import type { Lifecycle, StopCause } from '../../../../src/cli/shared/lifecycle.ts';
import { startUnlessStopped } from '../../../../src/cli/shared/startup.ts';

const SIGNAL: StopCause = { kind: 'signal', signal: 'SIGTERM' };
const CRASH: StopCause = { kind: 'crash', error: new Error('boom') };
const never = new Promise<never>(() => {});

function run(starting: Promise<string>, stopped: Promise<StopCause>) {
  const lines: string[] = [];
  const undone: string[] = [];
  const lifecycle: Lifecycle = { stopped, signal: AbortSignal.abort() };
  const terminal = { clear: () => {}, line: (text: string) => void lines.push(text) };
  const stop = async (value: string): Promise<void> => void undone.push(value);
  const end = startUnlessStopped(starting, stop, lifecycle, terminal, { undoLimitMs: 1 });
  return { end, lines, undone };
}

describe('startUnlessStopped', () => {
  it('gives what was started', async () => {
    const { end, lines } = run(Promise.resolve('host'), never);
    expect(await end).toEqual({ kind: 'started', value: 'host' });
    expect(lines).toEqual([]);
  });

  it('fails as the start fails', async () => {
    await expect(run(Promise.reject(new Error('no')), never).end).rejects.toThrow('no');
  });

  it.each([
    ['a start that is done soon', () => Promise.resolve('host'), SIGNAL, 0, ['host']],
    ['a start that fails then', () => Promise.reject(new Error('no')), SIGNAL, 0, []],
    ['a start that hangs', () => never, SIGNAL, 130, []],
    ['a bug', () => never, CRASH, 70, []],
  ])('a signal or a bug ends %s', async (_, start, cause, code, stopped) => {
    const starting = Promise.resolve().then(start);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { end, lines, undone } = run(starting, Promise.resolve(cause));
    expect(await end).toEqual({ kind: 'cut short', code });
    expect(lines.at(-1)).toBe('stopped');
    expect(undone).toEqual(stopped);
    vi.restoreAllMocks();
  });
});
