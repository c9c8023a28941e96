import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connect } from '../../../src/client/connect.ts';
import type { PayloadCodec } from '../../../src/contract/payload.ts';
import { liveLarge } from '../../kit/large.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const stored = async (data: string): Promise<readonly string[]> =>
  readdir(join(data, 'payloads'), { recursive: true }).catch(() => []);

it('large values go through every way there is, and leave an empty folder', () => liveLarge({}, stored));

const flip: PayloadCodec = {
  name: 'flip',
  encode: (bytes) => bytes.map((byte) => byte ^ 0xff),
  decode: (bytes) => bytes.map((byte) => byte ^ 0xff),
};

it('a host that lacks the codec of a payload loses nothing: it is dead-lettered, and can be redriven', async () => {
  const machines = { large: app('large.machine.ts', 'large') };
  const agents = { grow: { run: (input: { text: string }) => input } };
  await using started = await startRuntime({ machines, agents });
  const { client } = started.runtime;
  const other = await connect<{ machines: typeof machines }>({
    data: started.data,
    payloadCodecs: [flip],
    env: {},
  });
  await client.start('large', { id: 'one', input: { text: '' } });
  await other.send('large', 'one', { type: 'add', text: 'x'.repeat(300_000) });
  await other.close();
  const dead = async (): Promise<string[]> => (await client.deadLetters.list()).items.map(({ code }) => code);
  await expect.poll(dead).toEqual(['PAYLOAD_UNREADABLE']);
  expect((await client.query('large', 'one')).context).toEqual({ text: '' });

  await started.runtime.stop();
  await using second = await startRuntime({ machines, agents, data: started.data, payloadCodecs: [flip] });
  for await (const one of second.runtime.client.deadLetters.redrive({})) expect(one.outcome).toBe('redriven');
  await expect
    .poll(async () => (await second.runtime.client.query('large', 'one')).context)
    .toEqual({ text: 'x'.repeat(300_000) });
});
