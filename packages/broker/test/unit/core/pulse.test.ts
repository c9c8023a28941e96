import { describe, expect, it } from 'vitest';
import { FRAME, HANDING_OUT, Pulse, registerOperations, watch } from '../../../src/core/pulse.ts';

const LOOKS = 20;

interface Thread {
  beat: number;
  inDiskCall: boolean;
  readonly where: string;
}

/** Looks once for each step; its timer never comes in the test. */
function looked(steps: readonly ((thread: Thread) => void)[]): string[] {
  const thread: Thread = { beat: 1, inDiskCall: false, where: 'there' };
  const said: string[] = [];
  const dog = watch(thread, (line) => said.push(line), { hungAfterMs: 1_000 * LOOKS, lookMs: 1_000 });
  for (const step of steps) {
    step(thread);
    dog.look();
  }
  dog.stop();
  return said;
}

const still = (): void => {};
const beats = (thread: Thread): void => void (thread.beat += 1);
const inDisk = (thread: Thread): void => void (thread.inDiskCall = true);
const offDisk = (thread: Thread): void => void (thread.inDiskCall = false);
const ended = (thread: Thread): void => void (thread.beat = 0);
const times = (count: number, step: (thread: Thread) => void) => Array.from({ length: count }, () => step);

describe('the watchdog of the thread', () => {
  it.each([
    ['a thread that beats', times(100, beats), 0],
    ['a thread that stands still', [beats, ...times(LOOKS, still)], 1],
    [
      'one that stood still a little less long',
      [beats, ...times(LOOKS - 1, still), beats, ...times(LOOKS - 1, still)],
      0,
    ],
    ['one in a disk call', [beats, inDisk, ...times(100, still)], 0],
    [
      'one that hangs after a disk call',
      [beats, inDisk, ...times(100, still), offDisk, ...times(LOOKS, still)],
      1,
    ],
    ['one that has ended, or not begun', [ended, ...times(100, still)], 0],
  ])('%s', (_, steps, lines) => {
    expect(looked(steps)).toEqual(
      Array.from({ length: lines }, () => 'its thread has not moved for 20 s; when it last did, there'),
    );
  });
});

describe('the pulse', () => {
  it('says to another thread where it stands', () => {
    const pulse = new Pulse();
    const seen = new Pulse(pulse.shared);
    expect([seen.beat, seen.inDiskCall, seen.where]).toEqual([0, false, 'it had nothing to do']);
    pulse.start();
    expect(seen.beat).toBe(1);
    pulse.frame(7, 0x14);
    expect(seen.where).toBe('it was taking a frame, last frame 0x14 of connection 7');
    const [number = 0] = registerOperations(['com.microsoft:peek-message']).values();
    pulse.operation(number);
    pulse.at(HANDING_OUT);
    expect(seen.where).toBe(
      'it was handing messages out after a commit, last frame 0x14 of connection 7, operation com.microsoft:peek-message',
    );
    pulse.frame(8, 0x12);
    pulse.at(FRAME);
    expect(seen.where).toBe('it was taking a frame, last frame 0x12 of connection 8');
    pulse.onDisk(() => expect(seen.inDiskCall).toBe(true));
    expect(() =>
      pulse.onDisk(() => {
        throw new Error('disk');
      }),
    ).toThrow('disk');
    expect(seen.inDiskCall).toBe(false);
    pulse.stop();
    expect(seen.beat).toBe(0);
  });
});
