// An OTLP receiver in this process, and the package `quorate-otel` that exports to it: what a test of traces looks at is what a
// backend would get.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { type FlatSpan, parseTraceLines } from '../../otel/otlp.ts';
import { startTelemetry } from '../../otel/register.ts';

/** Soon enough for a test that polls. */
const EXPORT_DELAY_MS = '50';

export interface OtlpSink extends AsyncDisposable {
  /** All spans that have come so far. */
  readonly spans: readonly FlatSpan[];
  /** The same as OTLP JSON, a request a line. */
  readonly lines: string;
}

export async function startOtlpSink(): Promise<OtlpSink> {
  const requests: string[] = [];
  const spans: FlatSpan[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push(body);
      spans.push(...parseTraceLines(body));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  forgetTelemetry();
  const telemetry = await startTelemetry({ endpoint, env: { OTEL_BSP_SCHEDULE_DELAY: EXPORT_DELAY_MS } });
  return {
    get spans() {
      return [...spans];
    },
    get lines() {
      return requests.map((line) => `${line}\n`).join('');
    },
    [Symbol.asyncDispose]: async () => {
      await telemetry.shutdown();
      forgetTelemetry();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** It is started once a process, and files of tests share theirs. */
function forgetTelemetry(): void {
  Reflect.deleteProperty(globalThis, Symbol.for('quorate.telemetry'));
  for (const api of [trace, context, propagation, diag]) api.disable();
}
