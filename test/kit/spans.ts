// An SDK of OpenTelemetry that keeps spans in memory, for tests of what is exported. Files of tests share a process: it is taken
// down behind each.
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { createIdGenerator } from '../../src/exports/id-generator.ts';

export function startRecording(): InMemorySpanExporter {
  stopRecording();
  const exporter = new InMemorySpanExporter();
  new NodeSDK({
    autoDetectResources: false,
    idGenerator: createIdGenerator(),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    metricReaders: [],
    logRecordProcessors: [],
  }).start();
  return exporter;
}

export function stopRecording(): void {
  for (const api of [trace, context, propagation, diag]) api.disable();
}
