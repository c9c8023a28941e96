// `node --import quorate/otel app.js`: the package `quorate-otel` under the name that it has here. Traces are a help to the
// reader, never worth a service: where the package is not installed one line says so, and the application starts.
import { isMainThread } from 'node:worker_threads';
import { startTelemetryOfProcess } from '../common/optional-packages.ts';
import { QuorateError } from '../contract/errors.ts';

// Worker threads inherit --import; their spans are made by the main thread.
if (isMainThread) {
  await startTelemetryOfProcess().catch((failure: unknown) => {
    if (!(failure instanceof QuorateError)) throw failure;
    process.stderr.write(`quorate: no traces, ${failure.message}\n`);
  });
}
