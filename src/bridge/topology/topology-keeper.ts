// `check` or `apply`: what is done about the declared entities at start.
import type { ServiceBusAdministrationClient } from '@azure/service-bus';
import type { EntityDeclaration } from '../../contract/entities.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import type { Connector } from '../connection/connection.ts';
import { toQuorateError } from '../connection/sdk-errors.ts';
import { closeInTime, createBackoff, pause } from '../time/waiting.ts';
import { applyEntities, compareEntities, type EntityAdmin } from './topology-admin.ts';
import { checkEntities, isMissing, mismatch } from './topology-check.ts';

export interface TopologyKeeperOptions {
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
  " With topology: 'apply' (QUORATE_TOPOLOGY=apply) and the right to manage they are created.";

export interface TopologyKeeper {
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
    createQueue: (name, settings) => client.createQueue(name, settings),
    createTopic: (name, settings) => client.createTopic(name, settings),
  };
}
