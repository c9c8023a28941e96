// Records on their way to the index: of many commits few messages, within their sizes, and read back as they were.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRecordPacker, merge } from '../../../../../src/actors/host/records/packer.ts';
import { recordOf } from '../../../../../src/actors/host/records/record.ts';
import { emptyState, type SessionState } from '../../../../../src/actors/host/state/session-state.ts';
import { unpack } from '../../../../../src/console/index/records.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import type { ActorRecord, IndexRecord } from '../../../../../src/contract/records.ts';
import { MAX_BODY_BYTES } from '../../../../../src/contract/sizes.ts';
import type { CoreState } from '../../../../../src/contract/turn.ts';
import type { WireMessage } from '../../../../../src/contract/wire.ts';

const NOW = 1_700_000_000_000;
const actor = { type: 'order', id: '7' };
const core = (more: Partial<CoreState> = {}): CoreState => ({
  status: 'active',
  incarnation: 'i',
  turn: 3,
  snapshot: { value: 'open', context: { secret: 'prompt' } },
  tags: [],
  executions: {},
  timers: {},
  waiters: [],
  startedAt: NOW,
  ...more,
});
const state = (more: Partial<SessionState> = {}, of: Partial<CoreState> = {}): SessionState => ({
  ...emptyState('order', '1'),
  core: core(of),
  born: 12,
  revision: 4,
  ...more,
});

let sent: WireMessage[];
let isAway: boolean;
let tried: number;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  sent = [];
  isAway = false;
  tried = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const packer = () =>
  createRecordPacker({
    bridge: {
      publish: async (messages) => {
        tried++;
        if (isAway) throw new Error('away');
        sent.push(...messages);
        return messages.map(() => ({}));
      },
    },
    clock: { now: Date.now },
    logger: SILENT,
    host: 'p',
  });
const received = (): IndexRecord[] => sent.flatMap(({ body }) => unpack(body).records);
/** The deflating is done beside the event loop. */
const settled = (count: number) => vi.waitFor(() => expect(sent).toHaveLength(count));

describe('a record', () => {
  it('says how an actor is, and nothing of its context', () => {
    const made = recordOf({ actor, before: core({ turn: 1 }), state: state(), host: 'p', now: NOW });
    expect(made).toMatchObject({ ...actor, life: 12, revision: 4, turn: 3, prevTurn: 1, value: 'open' });
    expect(JSON.stringify(made)).not.toContain('prompt');
  });

  it('says what the machine waits for, and not the timers of the runtime', () => {
    const timers = {
      a: { dueAt: 5, what: { kind: 'deadlines' } },
      b: { dueAt: 9, what: { kind: 'raise', event: { type: 'X' }, sendId: 's' } },
    } as const;
    expect(
      recordOf({ actor, before: null, state: state({}, { timers }), host: 'p', now: NOW }),
    ).toMatchObject({
      nextTimerAt: 9,
    });
  });

  it('has what a turn asked for at the last of its steps', () => {
    const turns = {
      steps: [
        { turn: 2, event: { type: 'A' }, value: 'x' },
        { turn: 2, event: { type: 'B' }, value: 'y' },
        { turn: 3, event: { type: 'C' }, value: 'z' },
      ],
      effects: [
        { turn: 2, index: 0, effect: { kind: 'emit', event: { type: 'SAID' } } },
        { turn: 3, index: 0, effect: { kind: 'timer', token: 't', dueAt: 1 } },
      ],
    } as const;
    const made = recordOf({ actor, before: null, state: state(), turns, host: 'p', now: NOW });
    expect(made?.steps).toEqual([
      { turn: 2, event: 'A', to: 'x' },
      { turn: 2, event: 'B', to: 'y', effects: ['emit SAID'] },
      { turn: 3, event: 'C', to: 'z' },
    ]);
  });

  it('stays small whatever its actor is like', () => {
    const long = 'x'.repeat(100_000);
    const executions = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, at) => [
        `1.${at}`,
        { kind: 'task', agent: 'a', childId: long, src: long, startedAt: NOW },
      ]),
    ) as never;
    const snapshot = { value: { [long]: { [long]: long } } };
    const error = { code: 'X', message: long, data: long };
    const steps = Array.from({ length: 500 }, (_, turn) => ({ turn, event: { type: long }, value: long }));
    const made = recordOf({
      actor,
      before: null,
      state: state({}, { executions, snapshot, error, tags: Array(100).fill(long) }),
      turns: { steps, effects: [] },
      host: 'p',
      now: NOW,
    });
    expect(JSON.stringify(made).length).toBeLessThan(MAX_BODY_BYTES / 2);
    expect(made).toMatchObject({ moreExecutions: 968, moreSteps: 468 });
    expect(unpack(undefined)).toEqual({ records: [], refused: 1 });
  });
});

describe('the packer', () => {
  it('sends what was committed in a quarter of a second in one message', async () => {
    const records = packer();
    for (let id = 0; id < 100; id++)
      records.committed({ actor: { type: 'order', id: `${id}` }, before: null, state: state() });
    await vi.advanceTimersByTimeAsync(250);
    await settled(1);
    expect(received()).toHaveLength(100);
    expect(unpack(sent[0]?.body).refused).toBe(0);
  });

  it('sends at most four messages a second, each within its size, and the newest of each actor', async () => {
    const records = packer();
    for (let second = 0; second < 4; second++)
      for (let id = 0; id < 1_000; id++)
        records.committed({
          actor: { type: 'order', id: `${id}` },
          before: null,
          state: state({ revision: second }, { snapshot: { value: `${'s'.repeat(400)}${second}` } }),
        });
    for (let at = 0; at < 4; at++) {
      await vi.advanceTimersByTimeAsync(250);
      await settled(at + 1);
    }
    for (const { body } of sent) expect(JSON.stringify(body).length).toBeLessThan(MAX_BODY_BYTES);
    expect(received().every((record) => record.kind === 'actor' && record.revision === 3)).toBe(true);
  });

  it('drops what cannot be sent, and tells what comes later', async () => {
    const records = packer();
    isAway = true;
    records.committed({ actor, before: null, state: state() });
    await vi.advanceTimersByTimeAsync(250);
    await vi.waitFor(() => expect(tried).toBe(1));
    isAway = false;
    records.committed({ actor, before: null, state: state({ revision: 9 }) });
    await vi.advanceTimersByTimeAsync(500);
    await settled(1);
    expect(received()).toMatchObject([{ revision: 9 }]);
  });

  it('sends what waits when it is closed', async () => {
    const records = packer();
    records.gone(actor, state());
    await records.close();
    expect(received()).toEqual([{ kind: 'gone', ...actor, life: 12, revision: 5, at: NOW }]);
  });
});

describe('two records of one actor', () => {
  const made = (more: Partial<ActorRecord>): ActorRecord => ({
    ...(recordOf({ actor, before: null, state: state(), host: 'p', now: NOW }) as ActorRecord),
    ...more,
  });

  it('become the later one, with the steps of both', () => {
    const step = (turn: number) => ({ turn, event: 'E', to: 's' });
    const both = merge(
      made({ prevTurn: 0, turn: 1, steps: [step(1)], stateBytes: 5 }),
      made({ prevTurn: 1, turn: 2, steps: [step(2)], value: 'closed' }),
    );
    expect(both).toMatchObject({
      prevTurn: 0,
      turn: 2,
      steps: [step(1), step(2)],
      value: 'closed',
      stateBytes: 5,
    });
  });

  it('of two lives are the later one', () => {
    const later = made({ life: 13 });
    expect(merge(made({}), later)).toBe(later);
  });
});
