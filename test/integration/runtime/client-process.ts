/**
 * A process that uses a client and ends by itself once that is closed: `node client-process.ts <connection string>`.
 * It takes all places of an actor's watchers: the next one gets them only if they were given back.
 */
import { connect } from '../../../src/client/connect.ts';

const PLACES = 16;
const [, , connectionString = ''] = process.argv;
const client = await connect({ connectionString, env: {} });

const waited = client.result('counter', 'c').catch((error: { code: string }) => error.code);
const asked = client.query('counter', 'c');
// Each is read once, and then left where it is.
const watches = Array.from({ length: PLACES }, () => client.watch('counter', 'c'));
await Promise.all(watches.map((watch) => watch.next()));
const [reading] = watches;
const next = reading?.next();
await asked;
await client.send('counter', 'nobody', { type: 'finish' });
await client.deadLetters.list();
await client.close();
process.stdout.write(JSON.stringify({ result: await waited, next: await next }));
