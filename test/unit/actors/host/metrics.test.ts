import { describe, expect, it } from 'vitest';
import {
  hostMetrics,
  measureCommit,
  measureTurns,
  measureWaits,
} from '../../../../src/actors/host/metrics.ts';
import { emptyState, type SessionState } from '../../../../src/actors/host/state/session-state.ts';
import type { CoreState, GatherReport, TurnInput, Verdict } from '../../../../src/contract/turn.ts';
import { toPrometheus } from '../../../../src/observability/metrics/prometheus.ts';
import { Registry } from '../../../../src/observability/metrics/registry.ts';
import { parsePrometheusText, valueOf } from '../../../kit/prometheus-text.ts';

const APPLIED: Verdict = { kind: 'applied' };
const STALE: Verdict = { kind: 'stale', why: 'decided' };

const core = (more: Partial<CoreState> = {}): CoreState => ({
  status: 'active',
  incarnation: 'one',
  turn: 1,
  snapshot: {},
  tags: [],
  executions: {},
  timers: {},
  waiters: [],
  startedAt: 1_000,
  ...more,
});

function measured() {
  const registry = new Registry();
  const metrics = hostMetrics(registry, 'm');
  const turns = (
    before: CoreState | null,
    after: CoreState | null,
    more: { inputs?: TurnInput[]; verdicts?: Verdict[]; gathers?: GatherReport[] } = {},
  ): void =>
    measureTurns(metrics, { before, after, inputs: [], verdicts: [], gathers: [], now: 61_000, ...more });
  const read = (name: string, labels: Record<string, string> = {}): number =>
    valueOf(parsePrometheusText(toPrometheus(registry.collect())), name, labels);
  return { metrics, turns, read };
}

describe('what turns came to', () => {
  it('counts the start and the end of a life once, whatever turns lie between', () => {
    const { turns, read } = measured();
    turns(null, core());
    turns(core(), core({ turn: 2 }));
    turns(core(), core({ status: 'done', endedAt: 31_000 }));
    turns(core({ status: 'done' }), core({ status: 'done', endedAt: 31_000 }));
    // Forgotten, and started anew under the same id: it fails in its first turn.
    turns(null, null);
    turns(core(), core({ incarnation: 'two', status: 'error', endedAt: 1_000 }));
    expect(read('quorate_actors_started_total')).toBe(2);
    expect(read('quorate_actor_duration_seconds_sum', { status: 'done' })).toBe(30);
    expect(read('quorate_actor_duration_seconds_count', { status: 'done' })).toBe(1);
    expect(read('quorate_actor_duration_seconds_count', { status: 'error' })).toBe(1);
  });

  it('says how late timers were that were applied', () => {
    const { turns, read } = measured();
    const what = { kind: 'deadlines' } as const;
    const before = core({ timers: { a: { dueAt: 60_500, what }, b: { dueAt: 62_000, what } } });
    const inputs: TurnInput[] = ['a', 'b', 'gone', 'a'].map((token) => ({ kind: 'timer', token }));
    turns(before, core(), { inputs, verdicts: [APPLIED, APPLIED, STALE, STALE] });
    expect(read('quorate_timer_lateness_seconds_count')).toBe(2);
    expect(read('quorate_timer_lateness_seconds_sum')).toBe(0.5);
  });

  it('counts branches of a gather by how they ended, and answers that came after it', () => {
    const { turns, read } = measured();
    const gather = { startedAt: 51_000, total: 10, ok: 6, failed: 1, answered: '', duplicates: 0 };
    const report = { execution: 'e', src: 'gather', childId: 'g', outcome: 'deadline', gather };
    turns(core(), core(), { gathers: [report as unknown as GatherReport] });
    const reply: TurnInput = {
      kind: 'reply',
      execution: 'e',
      branch: 8,
      outcome: { status: 'done', output: 1 },
    };
    turns(core(), core(), { inputs: [reply, reply], verdicts: [STALE, APPLIED] });
    const branches = (outcome: string): number => read('quorate_gather_branches_total', { outcome });
    expect(['ok', 'failed', 'missing', 'late'].map(branches)).toEqual([6, 1, 3, 1]);
    expect(read('quorate_gather_duration_seconds_sum', { outcome: 'deadline' })).toBe(10);
  });

  it('measures waits from when the broker took a message in', () => {
    const { metrics, read } = measured();
    measureWaits(metrics, [{ message: { enqueuedAt: 1_000 } }, { message: { enqueuedAt: 5_000 } }], 4_000);
    expect(read('quorate_turn_wait_seconds_count')).toBe(2);
    expect(read('quorate_turn_wait_seconds_sum')).toBe(3);
  });
});

describe('a commit', () => {
  const budget = (more: object): SessionState =>
    ({
      ...emptyState('m', '1'),
      control: { budget: { timers: 0, topUps: [], ...more } },
    }) as unknown as SessionState;

  it('is measured by its time, its size and what it has to send', () => {
    const { metrics, read } = measured();
    const state = emptyState('m', '1');
    measureCommit(metrics, state, { ...state, outbox: [{}, {}] as never }, { ms: 20, bytes: 3_000 });
    expect(read('quorate_commit_duration_seconds_sum')).toBe(0.02);
    expect(read('quorate_state_bytes_sum')).toBe(3_000);
    expect(read('quorate_outbox_size_sum')).toBe(2);
  });

  it('shows runs that come near their budget, wait for it and continue', () => {
    const { metrics, read } = measured();
    const states = [
      budget({}),
      budget({ isLow: true }),
      budget({ isLow: true, since: 5 }),
      budget({ isLow: true, since: 5 }),
    ];
    const all = [...states, budget({}), emptyState('m', '1')];
    for (const [at, after] of all.entries())
      measureCommit(metrics, all[at - 1] ?? emptyState('m', '1'), after, { ms: 1, bytes: 1 });
    const events = (event: string): number => read('quorate_budget_events_total', { event });
    expect(['low', 'parked', 'resumed'].map(events)).toEqual([1, 1, 1]);
  });
});
