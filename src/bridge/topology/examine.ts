// Looks at a namespace as the runtime will use it. Nothing is created, and what the two probes send is taken back.
import { randomUUID } from 'node:crypto';
import type {
  ServiceBusAdministrationClient,
  ServiceBusClient,
  ServiceBusSessionReceiver,
} from '@azure/service-bus';
import type { EntityDeclaration } from '../../contract/entities.ts';
import { REPLIES } from '../../contract/entities.ts';
import type { QuorateError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/runtime.ts';
import { type ConnectionOptions, createConnector } from '../connection/connection.ts';
import { sdkError, toQuorateError } from '../connection/sdk-errors.ts';
import { closeInTime } from '../time/waiting.ts';
import { compareEntities } from './topology-admin.ts';
import { checkEntities, isMissing } from './topology-keeper.ts';

export interface ExamineOptions {
  readonly connection: ConnectionOptions;
  readonly prefix: string;
  readonly entities: readonly EntityDeclaration[];
}

const PROBE_TTL_MS = 60_000;
/** Deadlines and timers are reckoned on this machine's clock and kept by the broker's. */
const MAX_SKEW_MS = 2_000;
const CREATE = 'create it; with Manage rights a start with QUORATE_TOPOLOGY=apply does';
const DECLARE = 'an emulator has only the entities of its Config.json: declare it there';
const ANEW = 'it cannot be changed: delete the entity and create it anew';

/** In the order of the checks; ends early where nothing more can be asked. */
export async function* examine(options: ExamineOptions): AsyncGenerator<Finding, void, undefined> {
  const { connection, prefix, entities } = options;
  const connector = await createConnector(connection);
  const endpoint = `${connector.host}:${connector.port}`;
  const toPath = (entity: string): string => `${prefix}${entity}`;
  const { client, watch } = connector.createClient('taking');
  try {
    const found = await watch.within(() => attempt(() => checkEntities(client, entities, toPath, endpoint)));
    if (found.kind === 'failed') return yield unreachable(toQuorateError(found.error, `asking ${endpoint}`));
    yield { check: 'reachable', status: 'ok', text: `${endpoint} answers, and the credential is accepted` };
    yield { check: 'rights', status: 'ok', text: `may send to and listen at ${entities.length} entities` };
    if (found.value.length === 0)
      yield {
        check: 'entities',
        status: 'ok',
        text: 'all are there, with and without sessions as they should be',
      };
    const create = connector.isEmulator ? DECLARE : CREATE;
    for (const text of found.value)
      yield { check: 'entities', status: 'wrong', text, fix: isMissing(text) ? create : ANEW };

    if (connector.isEmulator) yield HIDDEN;
    else {
      const admin = connector.createAdministrationClient();
      yield await tier(admin);
      yield* await settings(admin, options);
    }
    if (found.value.some((line) => line.startsWith(`${toPath(REPLIES)}:`))) return;
    yield await watch.within(() => probed('clock', () => clock(client, toPath(REPLIES))));
    const other = connector.createClient('committing');
    try {
      yield await watch.within(() => probed('fencing', () => fencing(client, other.client, toPath(REPLIES))));
    } finally {
      await closeInTime(other.client.close());
    }
  } finally {
    await closeInTime(client.close());
  }
}

/** The SDK's administration client speaks https only, and so does not reach an emulator on its plain port. */
const HIDDEN: Finding = {
  check: 'settings',
  status: 'unknown',
  text: 'not shown on a plain port',
  fix: 'run the broker with --tls and ask it at its other connection string',
};

type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

async function attempt<T>(run: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { kind: 'done', value: await run() };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/** A probe that the service refuses is a finding too, with the advice of its code: a store without room, for example. */
async function probed(check: Finding['check'], probe: () => Promise<Finding>): Promise<Finding> {
  try {
    return await probe();
  } catch (error) {
    const { code, message, hint } = toQuorateError(error, `the probe of ${check}`);
    return { check, status: 'wrong', text: `${code}: ${message.replace(/\.$/, '')}`, fix: hint };
  }
}

function unreachable(error: QuorateError): Finding {
  const check = error.code === 'UNAUTHORIZED' ? 'rights' : 'reachable';
  return { check, status: 'wrong', text: error.message, fix: error.hint };
}

async function tier(admin: ServiceBusAdministrationClient): Promise<Finding> {
  const asked = await attempt(() => admin.getNamespaceProperties());
  if (asked.kind === 'failed')
    return {
      check: 'tier',
      status: 'unknown',
      text: `not shown: ${sdkError(asked.error).message}`,
      fix: 'look for Standard or Premium in the portal',
    };
  const { messagingSku: sku } = asked.value;
  return sku === 'Basic'
    ? {
        check: 'tier',
        status: 'wrong',
        text: 'the namespace is Basic: it has no sessions and no topics',
        fix: 'move to Standard or Premium',
      }
    : { check: 'tier', status: 'ok', text: sku };
}

/** Duplicate detection, its window, lock durations and dead-letter flags show only to those who may manage (I3). */
async function settings(
  admin: ServiceBusAdministrationClient,
  { entities, prefix }: ExamineOptions,
): Promise<readonly Finding[]> {
  const asked = await attempt(() =>
    compareEntities(
      {
        getQueue: (name) => admin.getQueue(name),
        getTopic: (name) => admin.getTopic(name),
        getSubscription: (topic, name) => admin.getSubscription(topic, name),
        createQueue: nothing,
        createTopic: nothing,
        createSubscription: nothing,
      },
      entities,
      prefix,
    ),
  );
  const why = asked.kind === 'failed' ? sdkError(asked.error).message : 'no Manage right';
  if (asked.kind === 'failed' || asked.value === undefined)
    return [
      {
        check: 'settings',
        status: 'unknown',
        text: `not shown: ${why}`,
        fix: 'grant Azure Service Bus Data Owner for the time of the check',
      },
    ];
  if (asked.value.length === 0)
    return [
      {
        check: 'settings',
        status: 'ok',
        text: 'sessions, duplicate detection, windows, locks and dead-letter flags are as declared',
      },
    ];
  return asked.value.map(
    (text) =>
      ({
        check: 'settings',
        status: 'wrong',
        text,
        fix: /requiresDuplicateDetection|requiresSession/.test(text) ? ANEW : 'set it as it says',
      }) as const,
  );
}

async function nothing(): Promise<void> {}

/** Reads the broker's clock off a message that we send; the time lies between its send and its acceptance. */
async function clock(client: ServiceBusClient, path: string): Promise<Finding> {
  const sessionId = `doctor-${randomUUID()}`;
  const sender = client.createSender(path);
  let receiver: ServiceBusSessionReceiver | undefined;
  try {
    const before = Date.now();
    await sender.sendMessages({ body: null, sessionId, messageId: sessionId, timeToLive: PROBE_TTL_MS });
    const after = Date.now();
    receiver = await client.acceptSession(path, sessionId, { maxAutoLockRenewalDurationInMs: 0 });
    const [message] = await receiver.receiveMessages(1);
    if (message?.enqueuedTimeUtc === undefined)
      return { check: 'clock', status: 'unknown', text: 'the probe did not come back' };
    await receiver.completeMessage(message);
    const at = message.enqueuedTimeUtc.getTime();
    const skew = at < before ? at - before : Math.max(0, at - after);
    const text = `the broker's clock is ${Math.abs(skew)} ms ${skew < 0 ? 'behind' : 'ahead of'} this machine's`;
    return Math.abs(skew) > MAX_SKEW_MS
      ? {
          check: 'clock',
          status: 'wrong',
          text,
          fix: 'synchronise this machine with NTP: Quorate goes by the broker, but logs and agents’ own clocks are off by as much',
        }
      : { check: 'clock', status: 'ok', text };
  } finally {
    await closeInTime(Promise.all([sender.close(), receiver?.close()]));
  }
}

/** Parts of the SDK that it does not document: only here, and only to write a state as no sound client would. */
interface Insides {
  readonly _messageSession: { readonly name: string };
  readonly _context: {
    getManagementClient(path: string): {
      setSessionState(sessionId: string, state: unknown, options: object): Promise<void>;
    };
  };
}

const WRITE_TIMEOUT_MS = 10_000;

/** I1: is a state write of a link that has lost the session refused? Our own margin holds either way. */
async function fencing(stale: ServiceBusClient, holder: ServiceBusClient, path: string): Promise<Finding> {
  const sessionId = `doctor-${randomUUID()}`;
  const lost = await stale.acceptSession(path, sessionId, { maxAutoLockRenewalDurationInMs: 0 });
  const { _messageSession: link, _context: context } = lost as unknown as Insides;
  await lost.close();
  const held = await holder.acceptSession(path, sessionId, { maxAutoLockRenewalDurationInMs: 0 });
  try {
    const write = await attempt(() =>
      context.getManagementClient(path).setSessionState(sessionId, 'stale', {
        associatedLinkName: link.name,
        requestName: 'setState',
        timeoutInMs: WRITE_TIMEOUT_MS,
      }),
    );
    if (write.kind === 'failed')
      return { check: 'fencing', status: 'ok', text: 'state writes of a lost lock are refused' };
    await held.setSessionState(null);
    return {
      check: 'fencing',
      status: 'unknown',
      text: 'this service takes state writes of a lost lock; only the runtime keeps stale turns from being written',
      fix: 'keep clocks and event loops healthy: a process frozen between its lease check and its write may overwrite a newer turn',
    };
  } finally {
    await closeInTime(held.close());
  }
}
