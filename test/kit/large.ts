// One life of an actor through which large values go, over a whole runtime; what it stored is gone afterwards.
import { randomBytes } from 'node:crypto';
import { expect, vi } from 'vitest';
import { defineConfig } from '../../src/config/define.ts';
import type { QuorateConfig } from '../../src/contract/config.ts';
import { app, startRuntime } from './runtime.ts';

/** Does not compress well, and is larger than any message by itself. */
const text = (): string => randomBytes(200_000).toString('base64');

/** `list` lists the paths in the store now. Its key stays. */
export async function liveLarge(
  more: Partial<QuorateConfig>,
  list: (data: string) => Promise<readonly string[]>,
): Promise<void> {
  /** Beside the key of the store, and the row that says that this process lives. */
  const stored = async (data: string): Promise<readonly string[]> =>
    (await list(data)).filter((path) => !/^keys(\/|$)|^claims\/\w+\/processes\//.test(path));
  const config = defineConfig({
    ...more,
    machines: { large: app('large.machine.ts', 'large') },
    agents: { grow: { run: ({ text: given }: { text: string }) => ({ text: `${given}g` }) } },
  });
  await using started = await startRuntime(config);
  const { client } = started.runtime;
  const [a, b] = [text(), text()];
  await client.start('large', { id: 'one', input: { text: a } });
  await client.send('large', 'one', { type: 'add', text: b });
  await vi.waitFor(
    async () => expect((await client.query('large', 'one')).context).toEqual({ text: a + b }),
    20_000,
  );
  expect(await stored(started.data)).not.toEqual([]);
  await client.send('large', 'one', { type: 'go' });
  expect(await client.result('large', 'one')).toEqual({ text: `${a}${b}gc` });
  for (const type of ['large', 'large.child'] as const) {
    const { ids } = await client.actors.list(type);
    for (const id of ids) await client.actors.purge(type, id);
  }
  await vi.waitFor(async () => expect(await stored(started.data)).toEqual([]), 20_000);
}
