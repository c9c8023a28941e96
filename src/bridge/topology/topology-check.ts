// Do the declared entities exist, and are they of the right kind? Asked through the data plane, with no Manage right.
import { randomUUID } from 'node:crypto';
import type { ServiceBusClient } from '@azure/service-bus';
import type { EntityDeclaration } from '../../contract/entities.ts';
import { QuorateError } from '../../contract/errors.ts';
import { isHeldElsewhere, isWrongKind, toQuorateError } from '../connection/sdk-errors.ts';
import { closeInTime } from '../time/waiting.ts';

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

export function mismatch(findings: readonly string[], remark: string): QuorateError {
  const lines = [...findings].sort();
  const message = `The entities are not as declared. ${lines.join('; ')}.${remark}`;
  return new QuorateError('TOPOLOGY_MISMATCH', message, { data: { findings: lines } });
}
