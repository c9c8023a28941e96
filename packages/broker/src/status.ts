/** What a data folder holds, asked of the broker that runs on it or, when none does, read from the file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Alarms, systemClock } from './clock.ts';
import { Core } from './core/core.ts';
import { limitsOf } from './core/limits.ts';
import { Namespace } from './core/namespace.ts';
import { recover } from './core/recovery.ts';
import { statusOf } from './core/status.ts';
import { readBrokerRecord } from './data-folder.ts';
import { BrokerError } from './errors.ts';
import type { EntityStatus } from './options.ts';
import { statusOfRunning } from './running.ts';
import { DATA_FILE, openStore } from './store/sqlite.ts';

export async function readStatus(folder: string): Promise<EntityStatus[]> {
  if (!existsSync(join(folder, DATA_FILE))) return [];
  const record = readBrokerRecord(folder);
  try {
    return readStopped(folder);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'BROKER_DATA_IN_USE' || !record) throw error;
    return statusOfRunning(record);
  }
}

/** No message changes: what has expired meanwhile is left to the next start. */
function readStopped(folder: string): EntityStatus[] {
  const store = openStore({ folder, maxPages: undefined });
  const alarms = new Alarms(systemClock);
  try {
    const core = new Core(store, alarms, limitsOf(), () => {});
    core.committer.stop();
    const namespace = new Namespace(core);
    recover(core, namespace);
    return statusOf(core, namespace);
  } finally {
    alarms.stop();
    store.close();
  }
}
