/**
 * A process that hosts the agent of a teller and reads its stream too, until it is killed: `node stream-process.ts <data> <actor>`. A line
 * for each item that it is given.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime } from '../../../src/runtime/runtime.ts';
import { telling } from './stream-telling.ts';

const [, , data = '', id = ''] = process.argv;
const { client } = await createRuntime(
  telling(['agents'], async (_input, { stream }) => {
    for (let n = 0; ; n++) {
      stream(n);
      await sleep(10);
    }
  }),
  { env: { QUORATE_DATA: data } },
);
for await (const item of client.stream('teller', id)) process.stdout.write(`${JSON.stringify(item)}\n`);
