// The data of a broker is for its owner alone.
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ownFolder } from '../../src/files.ts';
import { createBroker } from '../../src/index.ts';
import { queues, testClient } from './kit.ts';

const modeOf = (path: string) => statSync(path).mode & 0o7777;
/** What anybody but the owner may do with a folder and what lies in it. */
const openIn = (data: string) =>
  ['.', ...readdirSync(data)].filter((name) => (modeOf(join(data, name)) & 0o077) !== 0);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quorate-owner-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const umask = process.umask(0o022);
  onTestFinished(() => void process.umask(umask));
  return join(path, 'data');
}

test('what a broker keeps is for its owner alone, also where it was open before', async () => {
  const data = folder();
  const run = async () => {
    const broker = await createBroker({ data, port: 0, ...queues({ name: 'q' }) });
    await testClient(broker).createSender('q').sendMessages({ body: 1 });
    expect(openIn(data)).toEqual([]);
    await broker.stop();
  };
  await run();
  chmodSync(data, 0o755);
  for (const name of readdirSync(data)) chmodSync(join(data, name), 0o644);
  await run();
  expect([modeOf(data), modeOf(join(data, 'broker.db'))]).toEqual([0o700, 0o600]);
});

test('a folder that everybody shares stays as it is', () => {
  const data = folder();
  ownFolder(data);
  chmodSync(data, 0o1777);
  writeFileSync(join(data, 'of-somebody'), '');
  ownFolder(data);
  expect(modeOf(data)).toBe(0o1777);
});

test('a folder is made with all above it, and not for ever where none can be', () => {
  const data = join(folder(), 'a', 'b');
  ownFolder(data);
  expect([modeOf(data), modeOf(join(data, '..'))]).toEqual([0o700, 0o700]);
  writeFileSync(join(data, 'file'), '');
  for (const bad of [join(data, 'file'), join(data, 'file', 'x')]) expect(() => ownFolder(bad)).toThrow();
  // Node's own recursion spins there.
  expect(() => ownFolder('/proc/quorate-none')).toThrow('ENOENT');
});
