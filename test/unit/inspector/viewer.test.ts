import { expect, it } from 'vitest';
import type { Json } from '../../../src/contract/json.ts';
import { type Change, createActorStore } from '../../../src/inspector/store.ts';
import {
  createViewer,
  framesOf,
  MAX_BUFFERED_BYTES,
  STALL_MS,
  type Viewer,
} from '../../../src/inspector/viewer.ts';

interface Frame {
  readonly type: string;
  readonly sessionId: string;
  readonly snapshot?: { readonly value: Json };
}

/** A socket that takes what it is given only when `drain` is called. */
function createSocket(automatic: boolean) {
  const pending: { frame: string; taken: () => void }[] = [];
  const frames: Frame[] = [];
  const socket = {
    readyState: 1 as const,
    bufferedAmount: 0,
    terminated: false,
    terminate() {
      socket.terminated = true;
    },
    send(frame: unknown, taken: unknown) {
      if (typeof frame !== 'string' || typeof taken !== 'function') throw new Error('unexpected call');
      frames.push(JSON.parse(frame));
      if (automatic) return;
      socket.bufferedAmount += frame.length;
      pending.push({ frame, taken: () => taken() });
    },
  };
  const drain = (): void => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      socket.bufferedAmount -= next.frame.length;
      next.taken();
    }
  };
  return { socket, frames, drain };
}

function setUp(automatic: boolean) {
  const viewers: Viewer[] = [];
  const store = createActorStore((change: Change) => {
    for (const viewer of viewers) viewer.tell(change, () => (change.kind === 'step' ? framesOf(change) : []));
  });
  const { socket, frames, drain } = createSocket(automatic);
  let now = 0;
  const join = (): Viewer => {
    const viewer = createViewer(socket, store, () => now);
    viewers.push(viewer);
    return viewer;
  };
  const actor = (id: string, value: Json = 'a') =>
    store.actor({
      address: { type: 't', id },
      definition: {},
      snapshot: { status: 'active', value, context: {}, tags: [] },
    });
  const step = (id: string, value: Json, context: Json = {}) =>
    store.step({
      address: { type: 't', id },
      turn: 1,
      events: [{ event: { type: 'E' }, value }],
      snapshot: { status: 'active', value, context, tags: [] },
    });
  const kinds = () => frames.map(({ type, sessionId }) => `${type.slice('@xstate.'.length)} ${sessionId}`);
  return { join, actor, step, frames, kinds, drain, socket, setNow: (at: number) => (now = at) };
}

it('gives a late viewer each actor once: definition, recent events, snapshot', () => {
  const { join, actor, step, kinds } = setUp(true);
  actor('1');
  actor('2');
  step('1', 'b');
  join();
  expect(kinds()).toEqual(['actor t/2', 'snapshot t/2', 'actor t/1', 'event t/1', 'snapshot t/1']);
});

it('then tells each step as it happens', () => {
  const { join, actor, step, kinds } = setUp(true);
  join();
  actor('1');
  step('1', 'b');
  expect(kinds()).toEqual(['actor t/1', 'snapshot t/1', 'event t/1', 'snapshot t/1']);
});

it('coalesces to the latest snapshot while the viewer is slow', () => {
  const { join, actor, step, frames, kinds, drain } = setUp(false);
  const viewer = join();
  actor('1');
  actor('2');
  step('1', 'big', { text: 'x'.repeat(MAX_BUFFERED_BYTES) });
  const before = frames.length;
  for (let n = 0; n < 1_000; n += 1) step('2', `s${n}`);
  actor('3');
  expect(frames).toHaveLength(before);
  expect(viewer.skipped).toBe(1_000);
  drain();
  expect(kinds().slice(before)).toEqual(['snapshot t/2', 'actor t/3', 'snapshot t/3']);
  expect(frames[before]?.snapshot?.value).toBe('s999');
});

it('never lets more than the bound and one frame wait in memory, however many actors there are', () => {
  const { join, actor, step, socket, frames, drain } = setUp(false);
  for (let n = 0; n < 300; n += 1) {
    actor(`${n}`);
    step(`${n}`, 'b', { text: 'x'.repeat(20_000) });
  }
  join();
  expect(socket.bufferedAmount).toBeLessThan(MAX_BUFFERED_BYTES + 100_000);
  drain();
  expect(frames.filter(({ type }) => type === '@xstate.actor')).toHaveLength(300);
  expect(frames.filter(({ type }) => type === '@xstate.snapshot')).toHaveLength(300);
});

it('cuts a viewer that takes nothing, and none that is merely idle', () => {
  const { join, actor, step, socket, drain, setNow } = setUp(false);
  const viewer = join();
  actor('1');
  drain();
  setNow(STALL_MS);
  viewer.checkStall(STALL_MS);
  expect(socket.terminated).toBe(false);
  step('1', 'big', { text: 'x'.repeat(MAX_BUFFERED_BYTES) });
  step('1', 'b');
  viewer.checkStall(2 * STALL_MS - 1);
  expect(socket.terminated).toBe(false);
  viewer.checkStall(2 * STALL_MS);
  expect(socket.terminated).toBe(true);
});
