import { trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { otherApi } from '../../../src/observability/api-copies.ts';
import { deriveSpanContext, recordSpan } from '../../../src/observability/telemetry.ts';
import { startRecording, stopRecording } from '../../kit/spans.ts';

afterEach(stopRecording);

describe('a second copy of the API', () => {
  it('is said in one line, with both versions and the fix', () => {
    const line = otherApi({ version: '1.9.1', trace: {} }, () => '1.10.0');
    expect(line).toMatch(
      /^no traces: .*api 1\.9\.1, .* 1\.10\.0; 'npm ls @opentelemetry\/api'.*"overrides".*"1\.9\.1"/,
    );
    expect(line).not.toContain('\n');
  });

  it('knows the version of the copy that was loaded', () => {
    expect(otherApi({ version: '1.9.1', trace: {} })).toMatch(/second copy, 1\.\d+\.\d+;/);
  });

  it.each([
    ['nothing is registered', undefined],
    ['no SDK of traces is', { version: '1.9.1' }],
  ])('is no matter where %s', (_, registered) => {
    expect(otherApi(registered)).toBeUndefined();
  });

  it('is no matter where spans arrive', () => {
    const tracer = trace.getTracer('none');
    trace.setGlobalTracerProvider({ getTracer: () => tracer });
    expect(otherApi()).toBeUndefined();
  });
});

it('spans of an own SDK keep the ids that were reserved for them, and others get random ones', () => {
  const exporter = startRecording();
  const spanContext = deriveSpanContext('actor');
  recordSpan({ name: 'actor', spanContext, startTime: 1, endTime: 2 });
  for (const name of ['one', 'two']) trace.getTracer('t').startSpan(name).end();
  const ids = exporter.getFinishedSpans().map((span) => span.spanContext());
  expect(ids[0]).toMatchObject({ traceId: spanContext.traceId, spanId: spanContext.spanId });
  expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(3);
  for (const { traceId, spanId } of ids)
    expect([traceId, spanId].join()).toMatch(/^[0-9a-f]{32},[0-9a-f]{16}$/);
});
