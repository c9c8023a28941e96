// `check` or `apply`: what is done about the declared entities at start, and whether they exist and are of the right kind.
import { randomUUID } from 'node:crypto';
import type { ServiceBusAdministrationClient, ServiceBusClient } from '@azure/service-bus';
import type { EntityDeclaration } from '../../contract/entities.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import type { Connector } from '../connection/connection.ts';
import { isHeldElsewhere, isWrongKind, toQuorateError } from '../connection/sdk-errors.ts';
import { closeInTime, createBackoff, pause } from '../time/waiting.ts';
import { applyEntities, compareEntities, type EntityAdmin } from './topology-admin.ts';

interface TopologyKeeperOptions {
  readonly connector: Connector;
  readonly endpoint: string;
  readonly prefix: string;
  readonly topology: 'check' | 'apply';
  readonly embedded?: boolean;
  readonly toPath: (entity: string) => string;
  readonly logger: Logger;
}

const MOST_LOSSES = 10;
const NOT_BY_EMULATORS =
  " An emulator has only the entities of its Config.json: topology 'apply' creates none there.";

/** What exists is never changed by it. */
const APPLY_CREATES =
  ' `QUORATE_TOPOLOGY=apply quorate start` creates them, by a process with the right to manage.';

interface TopologyKeeper {
  /** Throws TOPOLOGY_MISMATCH naming everything that is missing or wrong. */
  ensure(entities: readonly EntityDeclaration[]): Promise<void>;
}

export function createTopologyKeeper(options: TopologyKeeperOptions): TopologyKeeper {
  const { connector, endpoint, prefix, toPath, logger } = options;

  /** A connection that is lost in the middle is asked for again: the SDK would wait for its time-outs, a minute each. */
  const check = async (entities: readonly EntityDeclaration[]): Promise<string[]> => {
    const backoff = createBackoff();
    for (;;) {
      const { client, watch } = connector.createClient('taking');
      let lost = false;
      watch.onLost(() => {
        lost = true;
      });
      const reply = await watch.run(() => checkEntities(client, entities, toPath, endpoint));
      await closeInTime(client.close());
      if (reply.kind === 'done') return reply.value;
      const again = backoff.next();
      if (!lost || backoff.failures > MOST_LOSSES) {
        if (reply.kind === 'failed') throw reply.error;
        if (reply.why !== undefined) throw toQuorateError(reply.why, `connecting to ${endpoint}`);
        throw new QuorateError('CONNECTION_FAILED', `the connection to ${endpoint} was lost again and again`);
      }
      await pause(again);
    }
  };

  /** Duplicate detection and lock durations show only to those who may read settings (I3). */
  const compare = async (entities: readonly EntityDeclaration[]): Promise<string[]> => {
    if (connector.isEmulator || options.embedded === true) return [];
    const findings = await compareEntities(toAdmin(connector.createAdministrationClient()), entities, prefix);
    if (findings === undefined) {
      logger.warn('settings of entities not verified: no right to read them', { endpoint });
    }
    return findings ?? [];
  };

  const apply = async (entities: readonly EntityDeclaration[]): Promise<string[]> => {
    try {
      return await applyEntities(toAdmin(connector.createAdministrationClient()), entities, prefix);
    } catch (thrown) {
      throw toQuorateError(thrown, `creating entities at ${endpoint}`);
    }
  };

  return {
    async ensure(entities) {
      const cannotApply = options.topology === 'apply' && connector.isEmulator;
      const mayApply = options.topology === 'apply' && options.embedded !== true && !connector.isEmulator;
      const findings = mayApply ? await apply(entities) : await check(entities);
      if (!mayApply && findings.length === 0) findings.push(...(await compare(entities)));
      if (findings.length === 0) return;
      const wouldHelp = !mayApply && !connector.isEmulator && findings.every(isMissing);
      throw mismatch(findings, cannotApply ? NOT_BY_EMULATORS : wouldHelp ? APPLY_CREATES : '');
    },
  };
}

function toAdmin(client: ServiceBusAdministrationClient): EntityAdmin {
  return {
    getQueue: (name) => client.getQueue(name),
    getTopic: (name) => client.getTopic(name),
    getSubscription: (topic, name) => client.getSubscription(topic, name),
    createQueue: (name, settings) => client.createQueue(name, settings),
    createTopic: (name, settings) => client.createTopic(name, settings),
    createSubscription: (topic, name, settings) => client.createSubscription(topic, name, settings),
  };
}

// Do the declared entities exist, and are they of the right kind? Asked through the data plane, with no Manage right.

/** Lines that name what is missing or wrong. Rejects when the service cannot be asked at all. */
export async function checkEntities(
  client: ServiceBusClient,
  entities: readonly EntityDeclaration[],
  toPath: (entity: string) => string,
  endpoint: string,
): Promise<string[]> {
  const findings = await Promise.all(
    entities.map((entity) => checkEntity(client, entity, toPath(entity.name), endpoint)),
  );
  return findings.flat();
}

async function checkEntity(
  client: ServiceBusClient,
  entity: EntityDeclaration,
  path: string,
  endpoint: string,
): Promise<string[]> {
  try {
    if (entity.kind === 'subscription') {
      await lookInto(client, path);
      return [];
    }
    await openSender(client, path);
    if (entity.kind === 'topic') return [];
    const wanted = entity.requiresSession === true;
    const found = await requiresSession(client, path);
    if (found === wanted) return [];
    return [`${path}: requiresSession is ${found}, not ${wanted}`];
  } catch (thrown) {
    const error = toQuorateError(thrown, `checking ${path} at ${endpoint}`);
    if (error.code === 'TOPOLOGY_MISMATCH') return [`${path}: the ${entity.kind} ${MISSING}`];
    throw error;
  }
}

/** Asking for an empty batch attaches a sender link. */
async function openSender(client: ServiceBusClient, path: string): Promise<void> {
  const sender = client.createSender(path);
  try {
    await sender.createMessageBatch();
  } finally {
    await closeInTime(sender.close());
  }
}

/** There is no sender to a subscription. A look takes nothing. */
async function lookInto(client: ServiceBusClient, path: string): Promise<void> {
  const receiver = client.createReceiver(path);
  try {
    await receiver.peekMessages(1);
  } finally {
    await closeInTime(receiver.close());
  }
}

/** A session that nobody uses can be locked where there are sessions: no message and no state comes of it. */
async function requiresSession(client: ServiceBusClient, path: string): Promise<boolean> {
  try {
    const receiver = await client.acceptSession(path, `quorate-check-${randomUUID()}`, {
      maxAutoLockRenewalDurationInMs: 0,
    });
    await closeInTime(receiver.close());
    return true;
  } catch (thrown) {
    // Nobody else can hold a name drawn just now: what cannot be locked has no sessions.
    if (isWrongKind(thrown) || isHeldElsewhere(thrown)) return false;
    throw thrown;
  }
}

const MISSING = 'does not exist';

/** Not set wrongly: it can be created. */
export function isMissing(finding: string): boolean {
  return finding.endsWith(MISSING);
}

function mismatch(findings: readonly string[], remark: string): QuorateError {
  const lines = [...findings].sort();
  const message = `The entities are not as declared. ${lines.join('; ')}.${remark}`;
  return new QuorateError('TOPOLOGY_MISMATCH', message, { data: { findings: lines } });
}
