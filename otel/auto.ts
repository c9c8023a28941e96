// `node --import quorate-otel/auto app.js` (or `--import quorate/otel`): telemetry as the OTEL_* variables say, before anything
// else is loaded.
import { isMainThread } from 'node:worker_threads';
import { startTelemetry } from './register.ts';

// Worker threads inherit --import; their spans are made by the main thread.
if (isMainThread) {
  const telemetry = await startTelemetry();
  process.once('beforeExit', () => void telemetry.shutdown());
}
