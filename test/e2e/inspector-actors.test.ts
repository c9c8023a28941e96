// What a viewer sees of real actors, and what their trace looks like, while they work over a real bus.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createMachine } from 'xstate';
import { lintTrace } from '../../otel/lint.ts';
import { readTraceFile } from '../../otel/otlp.ts';
import { startTelemetry, type Telemetry } from '../../otel/register.ts';
import { createInspectorServer } from '../../src/inspector/server.ts';
import { app, startRuntime } from '../kit/runtime.ts';

type Frame = StatelyInspectionEvent & { readonly definition?: string; readonly parentId?: string };

const PATIENCE = { timeout: 60_000 };

let folder: string;
let telemetry: Telemetry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-inspect-'));
  telemetry = await startTelemetry({ traceFile: join(folder, 'trace.jsonl'), env: {} });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('shows parent and child as a query shows them, to a receiver that joins while they work, and leaves one sound trace', async () => {
  const inspector = await createInspectorServer({ port: 0 });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  try {
    const held = new Set<string>();
    {
      await using test = await startRuntime(
        {
          machines: { holiday: app('patterns.machine.ts', 'holiday') },
          agents: {
            book: {
              run: async (task: { step: string }) => {
                held.add(task.step);
                await released;
                return { booked: task.step };
              },
            },
            cancelBooking: { run: () => null },
          },
        },
        { inspection: inspector.sink },
      );
      const { client } = test.runtime;
      await client.start('holiday', { id: 'summer', input: { fail: '' } });
      await vi.waitFor(() => expect(held.size).toBe(1), PATIENCE);

      const frames: Frame[] = [];
      const server = inspector.url.replace('http', 'ws');
      createWebSocketReceiver({ server }).subscribe((frame) => frames.push(frame));
      const ofType = (type: Frame['type']): Frame[] => frames.filter((frame) => frame.type === type);
      await vi.waitFor(() => expect(ofType('@xstate.snapshot')).toHaveLength(2), PATIENCE);

      const [parent, child] = ['holiday/', 'holiday.trip/'].map((prefix) =>
        ofType('@xstate.actor').find(({ sessionId }) => sessionId.startsWith(prefix)),
      );
      expect(ofType('@xstate.actor')).toHaveLength(2);
      expect(parent).toMatchObject({ sessionId: 'holiday/summer', rootId: 'holiday/summer' });
      expect(child).toMatchObject({ parentId: 'holiday/summer', rootId: 'holiday/summer' });
      for (const actor of [parent, child]) {
        expect(Object.keys(createMachine(JSON.parse(actor?.definition ?? '')).states)).not.toEqual([]);
      }
      const shown = ofType('@xstate.snapshot').find(({ sessionId }) => sessionId === 'holiday/summer');
      const { status, value, context, tags } = await client.query('holiday', 'summer');
      expect(shown).toMatchObject({ snapshot: { status, value, context, tags } });

      release();
      expect(await client.result('holiday', 'summer')).toEqual({ status: 'done' });
      await vi.waitFor(() => {
        const last = ofType('@xstate.snapshot').findLast(({ sessionId }) => sessionId === 'holiday/summer');
        expect(last).toMatchObject({ snapshot: { status: 'done', value: 'over' } });
      }, PATIENCE);
    }
  } finally {
    release();
    await inspector.close();
  }

  await telemetry.shutdown();
  const [counts] = Object.values(telemetry.counts);
  expect(counts).toMatchObject({ lost: 0, dropped: 0, delivered: counts?.ended });
  const spans = await readTraceFile(join(folder, 'trace.jsonl'));
  const traceOf = (name: string) => spans.find((span) => span.name === name)?.traceId;
  expect(traceOf('actor holiday')).toBeDefined();
  expect(traceOf('actor holiday.trip')).toBe(traceOf('actor holiday'));
  expect(traceOf('task do.flight')).toBe(traceOf('actor holiday'));
  expect(lintTrace(spans)).toEqual([]);
});
