import { describe, expect, it } from 'vitest';
import { type NextStateContext, nextState } from '../../../../../src/actors/host/commit/next-state.ts';
import { duePieces } from '../../../../../src/actors/host/sort/early-pieces.ts';
import type { ReceivedInput } from '../../../../../src/actors/host/sort/inbox.ts';
import { endsTombstone } from '../../../../../src/actors/host/sort/tombstone.ts';
import {
  CONTROL_FORMAT,
  emptyState,
  type SessionState,
  STATE_FORMAT,
} from '../../../../../src/actors/host/state/session-state.ts';
import { toWritten } from '../../../../../src/actors/host/state/written-state.ts';
import type { Effect } from '../../../../../src/contract/effect.ts';
import type { ScatterPlan } from '../../../../../src/contract/scatter.ts';
import type { CoreState, TurnInput, TurnResult, Verdict } from '../../../../../src/contract/turn.ts';
import { all, deadline, first, quorum } from '../../../../../src/machines/policies.ts';
import { inbound } from '../../../../kit/inbound.ts';

const actor = { type: 'm', id: '1' };
const asker = { entity: 'replies', sessionId: 'client', correlationId: 'c1' };
const context: NextStateContext = {
  actor,
  epoch: 'e',
  now: 1_000,
  duplicateWindowMs: 60_000,
  retentionMs: 5_000,
  settled: new Set(),
  version: '1',
  scope: 'test',
  machines: { m: true },
};

const core = (more: Partial<CoreState> = {}): CoreState => ({
  status: 'active',
  incarnation: 'i',
  turn: 1,
  snapshot: { value: 'a', context: {} },
  tags: [],
  executions: {},
  timers: {},
  waiters: [],
  startedAt: 0,
  ...more,
});

const item = (input: TurnInput): ReceivedInput => ({
  input,
  message: inbound(input.kind, null, { traceparent: 'tp' }),
});
const result = (state: CoreState | null, verdicts: Verdict[], effects: Effect[] = []): TurnResult => ({
  state,
  verdicts,
  effects: effects.map((effect, index) => ({ turn: 1, index, effect })),
  gathers: [],
  steps: [],
  threadId: 1,
});

const fresh = (): SessionState => emptyState('m', '1');

describe('nextState', () => {
  it('commits snapshot, outbox and dispositions together (I2, I5), and answers the starter', () => {
    const items = [item({ kind: 'start', input: null, asker })];
    const effects: Effect[] = [
      { kind: 'task', execution: '1.0', agent: 'a', input: 1, deadlineAt: 9_000 },
      { kind: 'timer', token: 't1.0', dueAt: 9_000 },
    ];
    const timers = { 't1.0': { dueAt: 9_000, what: { kind: 'deadlines' } } } as const;
    const task = {
      kind: 'task',
      agent: 'a',
      childId: 'x',
      src: 'a',
      startedAt: 0,
      deadlineAt: 9_000,
    } as const;
    const after = core({ timers, executions: { '1.0': task } });
    const next = nextState(fresh(), items, result(after, [{ kind: 'applied' }], effects), context);
    expect(next.state?.outbox).toEqual(next.entries);
    expect(next.entries).toMatchObject([
      {
        message: {
          entity: 'agent.a',
          replyTo: 'actor.m',
          replyToSessionId: '1',
          body: { execution: '1.0~i', attempt: 1 },
        },
      },
      { timer: 't1.0', message: { entity: 'actor.m', sessionId: '1', notBefore: 9_000 } },
      { message: { entity: 'replies', correlationId: 'c1', body: { answer: 'started' } } },
    ]);
    expect(next.state?.inbox.unsettled).toEqual([[items[0]?.message.sequenceNumber, { kind: 'complete' }]]);
    expect(next.state?.traceparent).toBe('tp');
  });

  it.each<[ScatterPlan['policy'], boolean]>([
    [all(), false],
    [quorum(1), false],
    [deadline(9), false],
    [{ kind: 'quorum', count: 1 }, false],
    [first({ valid: 'v' }), true],
    [{ answered: 1 }, true],
    [{ ...quorum(1), ...deadline(9) }, true],
  ])('keeps former builds away from a gather of %j: %s (I14)', (policy, isNew) => {
    const plan: ScatterPlan = { agents: ['a'], items: [1], policy, collect: 'counts' };
    const effects: Effect[] = [{ kind: 'scatter', execution: '1.0', plan, total: 1, deadlineAt: 9_000 }];
    const items = [item({ kind: 'start', input: null })];
    const { state } = nextState(fresh(), items, result(core(), [{ kind: 'applied' }], effects), context);
    const written = toWritten(state as SessionState);
    expect(written.format).toBe(isNew ? CONTROL_FORMAT : STATE_FORMAT);
    expect(Object.hasOwn(written, 'control')).toBe(isNew);
  });

  it('gives the same effect another id after another accept (I3)', () => {
    const run = (epoch: string) =>
      nextState(
        fresh(),
        [item({ kind: 'start', input: null })],
        result(core(), [{ kind: 'applied' }], [{ kind: 'emit', event: { type: 'x' } }]),
        {
          ...context,
          epoch,
        },
      ).entries;
    const idOf = (entries: ReturnType<typeof run>) =>
      entries[0]?.kind === 'message' ? entries[0].message.messageId : undefined;
    expect(idOf(run('e1'))).toBe(idOf(run('e1')));
    expect(idOf(run('e1'))).not.toBe(idOf(run('e2')));
  });

  it('makes no state for what finds no actor (I13), and tells who asked', () => {
    const next = nextState(
      fresh(),
      [item({ kind: 'await', asker })],
      result(null, [{ kind: 'unknown' }]),
      context,
    );
    expect(next.state).toBeUndefined();
    expect(next.entries).toMatchObject([
      { message: { entity: 'replies', body: { answer: 'error', error: { code: 'ACTOR_NOT_FOUND' } } } },
    ]);
    expect(next.settlements).toMatchObject([{ disposition: { kind: 'complete' } }]);
  });

  it('dead-letters what the machine threw on without a commit: the same input would throw again (I7)', () => {
    const verdict: Verdict = { kind: 'rejected', error: { code: 'MACHINE_THREW', message: 'oh' } };
    const next = nextState(
      { ...fresh(), core: core() },
      [item({ kind: 'event', event: { type: 'x' } })],
      result(core(), [verdict]),
      context,
    );
    expect(next.state).toBeUndefined();
    expect(next.settlements).toMatchObject([
      { disposition: { kind: 'deadLetter', reason: 'MACHINE_THREW', description: 'oh' } },
    ]);
  });

  it('remembers where an early piece was deferred, and fetches it once its turn has come', () => {
    const waiting = { childId: 'c', src: 's', startedAt: 0, kind: 'task', agent: 'a' } as const;
    const state = { ...fresh(), core: core({ executions: { '1.0': waiting } }) };
    const early = item({ kind: 'partial', execution: '1.0', seq: 1, value: 'b' });
    const next = nextState(
      state,
      [early],
      result(state.core, [{ kind: 'early', execution: '1.0', branch: 0, seq: 1 }]),
      context,
    );
    expect(next.settlements).toMatchObject([{ disposition: { kind: 'defer' } }]);
    const held = next.state as SessionState;
    expect(duePieces(held)).toEqual([]);
    const advanced = {
      ...held,
      core: core({ executions: { '1.0': { ...waiting, nextPartial: { '0': 1 } } } }),
    };
    expect(duePieces(advanced)).toEqual([early.message.sequenceNumber]);
    expect(duePieces({ ...held, core: core() })).toEqual([early.message.sequenceNumber]);
  });

  it('leaves a tombstone that a timer of the same incarnation ends', () => {
    const ended = core({ status: 'done', endedAt: 1_000 });
    const next = nextState(
      fresh(),
      [item({ kind: 'event', event: { type: 'x' } })],
      result(ended, [{ kind: 'applied' }]),
      context,
    );
    const expiry = next.entries[0];
    expect(expiry).toMatchObject({ message: { entity: 'actor.m', notBefore: 6_000 } });
    const body = (expiry?.kind === 'message' ? expiry.message.body : null) as TurnInput;
    expect(endsTombstone(next.state as SessionState, body)).toBe(true);
    expect(endsTombstone({ ...fresh(), core: core({ ...ended, incarnation: 'j' }) }, body)).toBe(false);
    expect(endsTombstone({ ...fresh(), core: core() }, body)).toBe(false);
  });

  it('takes as many messages as the turn took', () => {
    const items = [
      item({ kind: 'event', event: { type: 'x' } }),
      item({ kind: 'event', event: { type: 'y' } }),
    ];
    const next = nextState(
      { ...fresh(), core: core() },
      items,
      result(core({ turn: 2 }), [{ kind: 'applied' }]),
      context,
    );
    expect(next.settlements.map(({ message }) => message)).toEqual([items[0]?.message]);
  });
});
