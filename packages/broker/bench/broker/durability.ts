// What "on disk" means in these figures: the settings of the broker's store, as its own file answers them. Synchronous 2 is FULL:
// an fsync of the log a commit, before anything is acknowledged.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { applySettings, readSettings } from '../../src/store/database.ts';
import { DATA_FILE } from '../../src/store/sqlite.ts';
import { startBroker } from './server-process.ts';

export async function durability(folder: string): Promise<string> {
  const data = join(folder, 'settings');
  const server = await startBroker(data);
  await server.kill();
  const db = new DatabaseSync(join(data, DATA_FILE));
  applySettings(db);
  const settings = Object.entries(readSettings(db)).map(([name, value]) => `${name} ${value}`);
  const { version } = db.prepare('SELECT sqlite_version() AS version').get() ?? {};
  db.close();
  return `SQLite ${String(version)} in ${folder}: ${settings.join(', ')}`;
}
