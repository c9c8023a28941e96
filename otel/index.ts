// What `import 'quorate-otel'` gives: the SDK of OpenTelemetry, set up for Quorate. It imports nothing of Quorate; what both
// sides have to know is in names.ts and id-generator.ts.
export type { DeliveryCounts } from './delivery.ts';
export { createIdGenerator } from './id-generator.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './register.ts';
