// The entry of the broker's thread. Errors lose their class on the way to another thread, so their code travels with
// them.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createBroker } from '../broker.ts';
import { isControlCall, runControlCall } from '../control/control.ts';
import { VirtualClock } from '../control/virtual-clock.ts';
import { BrokerError } from '../errors.ts';
import type { Broker } from '../options.ts';
import type { FromThread, ThreadData, ThreadFailure, ToThread } from './protocol.ts';

if (isMainThread || !parentPort) throw new Error('The broker thread must not run on the main thread.');
const port = parentPort;
const { options, time, pulse } = workerData as ThreadData;

const say = (message: FromThread) => port.postMessage(message);

try {
  const broker = await createBroker({
    ...options,
    pulse,
    ...(time ? { clock: new VirtualClock(time) } : {}),
  });
  port.on('message', (call: ToThread) => void answer(broker, call));
  const { port: listening, connectionString, caFile } = broker;
  say({ kind: 'ready', port: listening, connectionString, caFile });
  say({ kind: 'closed', end: await broker.closed });
  port.close();
} catch (error) {
  say({ kind: 'refused', failure: failureOf(error) });
  port.close();
}

async function answer(broker: Broker, call: ToThread): Promise<void> {
  try {
    say({ kind: 'result', id: call.id, value: await run(broker, call) });
  } catch (error) {
    say({ kind: 'error', id: call.id, failure: failureOf(error) });
  }
}

function run(broker: Broker, call: ToThread): Promise<unknown> {
  if (isControlCall(call.name)) return runControlCall(broker, call.name, call.args);
  return call.name === 'declare' ? broker.declare(...call.args) : broker[call.name]();
}

/** Errors lose their class across threads; the code carries them over. */
function failureOf(error: unknown): ThreadFailure {
  if (error instanceof BrokerError)
    return { code: error.code, message: error.message, details: error.details };
  return { code: 'BROKER_FAILED', message: String(error), details: {} };
}
