// kill -9 of a process that streams and reads: who reads elsewhere, who comes late, and who continues where the dead one was have the same.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { StreamItem } from '../../../src/contract/stream.ts';
import { startRuntime } from '../../kit/runtime.ts';
import { telling } from './stream-telling.ts';

const PROCESS = fileURLToPath(new URL('stream-process.ts', import.meta.url));

async function all(items: AsyncIterable<StreamItem>): Promise<StreamItem[]> {
  const found: StreamItem[] = [];
  for await (const item of items) found.push(item);
  return found;
}

it('a stream outlives kill -9 of its writer and of a reader', async () => {
  await using actors = await startRuntime(telling(['actors'], async () => null));
  const { client } = actors.runtime;
  await client.start('teller', { id: 'one' });
  const child = spawn(process.execPath, [PROCESS, actors.data, 'one'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'close');
  let said = '';
  const enough = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > 20) enough.resolve();
  });
  const survivor = all(client.stream('teller', 'one'));
  await Promise.race([enough.promise, gone]);
  child.kill('SIGKILL');
  await gone;

  await using _agents = await startRuntime({
    ...telling(['agents'], async (_input, { stream, attempt }) => {
      for (const word of ['once', 'more']) stream(word);
      return attempt;
    }),
    data: actors.data,
  });
  const items = await survivor;
  expect(await all(client.stream('teller', 'one'))).toEqual(items);

  // Whole lines: the last one may have been cut.
  const read = said
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as StreamItem);
  expect(read.length).toBeGreaterThanOrEqual(20);
  const { offset = '' } = read.at(-1) ?? {};
  expect([...read, ...(await all(client.stream('teller', 'one', { from: offset })))]).toEqual(items);

  const restarted = items.findIndex(({ kind }) => kind === 'restarted');
  const [before, after] = [items.slice(0, restarted), items.slice(restarted)];
  expect(before.map((item) => (item.kind === 'piece' ? item.value : item.kind))).toEqual([...before.keys()]);
  expect(after).toMatchObject([
    { kind: 'restarted', attempt: 2 },
    { kind: 'piece', n: 0, value: 'once' },
    { kind: 'piece', n: 1, value: 'more' },
    { kind: 'ended', attempt: 2 },
  ]);
}, 60_000);
