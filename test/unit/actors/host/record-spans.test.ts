// Spans of what began and ended with a commit: their stamps, and whose have none.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type CommittedBatch, recordTurns } from '../../../../src/actors/host/record-spans.ts';
import type { CoreState } from '../../../../src/contract/turn.ts';
import { startRecording, stopRecording } from '../../../kit/spans.ts';

let exporter: ReturnType<typeof startRecording>;
beforeAll(() => {
  exporter = startRecording();
});
afterAll(stopRecording);
beforeEach(() => exporter.reset());

const core = (more: Partial<CoreState> = {}): CoreState => ({
  status: 'active',
  incarnation: 'i',
  turn: 1,
  snapshot: null,
  tags: [],
  executions: {},
  timers: {},
  waiters: [],
  startedAt: 1_000,
  ...more,
});
const task = {
  kind: 'task',
  agent: 'a',
  childId: 'asking',
  src: 'a',
  invoked: true,
  startedAt: 1_000,
  tracedAt: 1_000.5,
} as const;

function record(
  type: string,
  before: CoreState | null,
  state: CoreState,
  more: Partial<CommittedBatch> = {},
): string[] {
  const machine = { type, module: 'm', export: 'e', version: '1', path: [] };
  recordTurns({
    actor: { type, id: '1' },
    machine,
    origin: { traced: { from: 999.5 } },
    before,
    inputs: [],
    result: { state, verdicts: [], gathers: [] },
    trace: { begunAt: 2_000, overAt: 2_001 },
    ...more,
  });
  const ms = ([s, ns]: readonly [number, number]): number => s * 1_000 + ns / 1e6;
  return exporter
    .getFinishedSpans()
    .map(({ name, startTime, endTime }) => `${name} ${ms(startTime)}-${ms(endTime)}`);
}

it('an actor is marked where it begins, and whole where it ends', () => {
  expect(record('order', null, core())).toEqual(['actor order started 999.5-999.501']);
  exporter.reset();
  expect(record('order', core(), core({ status: 'done' }))).toEqual(['actor order 999.5-2001']);
});

it('a task is over a µs before the batch that heard of it, and never before it began', () => {
  const outcome = { status: 'done', output: 1 } as const;
  const reply = { kind: 'reply', execution: '1.0', outcome } as const;
  const answered = (begunAt: number): string[] =>
    record('order', core({ executions: { '1.0': task } }), core({ turn: 2 }), {
      inputs: [reply],
      result: { state: core({ turn: 2 }), verdicts: [{ kind: 'applied' }], gathers: [] },
      trace: { begunAt },
    });
  expect(answered(2_000)).toEqual(['task asking 1000.5-1999.999']);
  exporter.reset();
  expect(answered(1_000)).toEqual(['task asking 1000.5-1000.501']);
});

it('what processes share has none', () => {
  expect(record('$limit', null, core())).toEqual([]);
});
