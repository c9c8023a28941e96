// A service that embeds the client, with telemetry of its own: runs one review.
// Arguments: data folder, trace file, actor id, input as JSON. Uses the built package, as another project would.
import { connect } from 'quorate';
import { startTelemetry } from 'quorate-otel';

const [data, traceFile, id, input] = process.argv.slice(2);
const telemetry = await startTelemetry({ traceFile, serviceName: 'client', env: {} });
const client = await connect({ data, env: {} });
await client.run('review', { id, input: JSON.parse(input), timeoutMs: 90_000 });
await client.close();
await telemetry.shutdown();
