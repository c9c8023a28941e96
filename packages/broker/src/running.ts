/** Requests to the broker that runs on a data folder, from other processes of the same user. */
import { signatureFor } from './access/shared-access-signature.ts';
import type { BrokerRecord } from './data-folder.ts';
import { emulatorConfigOf } from './emulator-config.ts';
import { BrokerError } from './errors.ts';
import type { EntityStatus } from './options.ts';
import type { Topology } from './topology.ts';

/** Not of the service: what `quorate broker status` shows, to clients with the Manage right. */
export const STATUS_PATH = '/$status';
/** Not of the service: entities in the emulator's format, declared by applications that join a running broker. */
export const TOPOLOGY_PATH = '/$topology';
const ANSWER_MS = 10_000;
const TOKEN_MS = 60_000;

export async function statusOfRunning(record: BrokerRecord): Promise<EntityStatus[]> {
  const response = await request(record, STATUS_PATH);
  return (await response.json()) as EntityStatus[];
}

/**
 * Declares the queues, topics and subscriptions of an application at a broker that another process has started; rules stay as they are.
 *
 * @param patienceMs How long the broker may take to answer, in ms; default 10,000.
 * @throws BROKER_DATA_IN_USE when it does not answer in time: its process is ending, or stands still. BROKER_TOPOLOGY_INVALID.
 */
export async function declareAtRunning(
  record: BrokerRecord,
  topology: Topology,
  patienceMs = ANSWER_MS,
): Promise<void> {
  await request(record, TOPOLOGY_PATH, { method: 'PUT', body: emulatorConfigOf(topology) }, patienceMs);
}

async function request(
  record: BrokerRecord,
  path: string,
  init: RequestInit = {},
  patienceMs = ANSWER_MS,
): Promise<Response> {
  const { port, connectionString } = record;
  const [, name = '', key = ''] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const url = `http://127.0.0.1:${port}${path}`;
  const headers = { authorization: signatureFor(url, name, key, Date.now() + TOKEN_MS) };
  const signal = AbortSignal.timeout(patienceMs);
  let response: Response;
  let text = '';
  try {
    response = await fetch(url, { ...init, headers, signal });
    if (response.ok) return response;
    text = await response.text();
  } catch {
    const { pid } = record;
    const message = `Process ${pid} holds the data, but its broker at port ${port} does not answer.`;
    throw new BrokerError('BROKER_DATA_IN_USE', message, { pid, port });
  }
  const said = /<Detail>([^<]*)<\/Detail>/.exec(text)?.[1] ?? '';
  throw new BrokerError(
    response.status === 400 ? 'BROKER_TOPOLOGY_INVALID' : 'BROKER_FAILED',
    `The broker on port ${port} answered ${response.status}${said && `: ${said}`}.`,
  );
}
