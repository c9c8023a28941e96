/** Requests to the broker that runs on a data folder, from other processes of the same user. */
import { signatureFor } from './access/shared-access-signature.ts';
import { STATUS_PATH, TOPOLOGY_PATH } from './admin/handler.ts';
import type { BrokerRecord } from './data-folder.ts';
import { emulatorConfigOf } from './emulator-config.ts';
import { BrokerError } from './errors.ts';
import type { EntityStatus } from './options.ts';
import type { Topology } from './topology.ts';

const ANSWER_MS = 10_000;
const TOKEN_MS = 60_000;

export async function statusOfRunning(record: BrokerRecord): Promise<EntityStatus[]> {
  const response = await request(record, STATUS_PATH);
  return (await response.json()) as EntityStatus[];
}

/** Queues, topics and subscriptions that an application needs of a broker that another process has started; rules stay as they are. */
export async function declareAtRunning(record: BrokerRecord, topology: Topology): Promise<void> {
  await request(record, TOPOLOGY_PATH, { method: 'PUT', body: emulatorConfigOf(topology) });
}

async function request(
  { port, connectionString }: BrokerRecord,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const [, name = '', key = ''] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const url = `http://127.0.0.1:${port}${path}`;
  const response = await fetch(url, {
    ...init,
    headers: { authorization: signatureFor(url, name, key, Date.now() + TOKEN_MS) },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (response.ok) return response;
  const said = /<Detail>([^<]*)<\/Detail>/.exec(await response.text())?.[1] ?? '';
  throw new BrokerError(
    response.status === 400 ? 'BROKER_TOPOLOGY_INVALID' : 'BROKER_FAILED',
    `The broker on port ${port} answered ${response.status}${said && `: ${said}`}.`,
  );
}
