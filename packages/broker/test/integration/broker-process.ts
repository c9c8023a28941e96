/** A broker in a process of its own, for tests that kill it: `node broker-process.ts <options as JSON>`. */
import { type BrokerOptions, startBroker } from '../../src/index.ts';

const broker = await startBroker(JSON.parse(process.argv[2] ?? '{}') as BrokerOptions);
process.stdout.write(`${JSON.stringify({ port: broker.port, connectionString: broker.connectionString })}\n`);
