// A host in a process of its own, as a service embeds it (dist). Plain JavaScript, because its memory is measured.
// Arguments: data folder of the running broker, sessions held at once.
import { performance } from 'node:perf_hooks';
import { createRuntime } from 'quorate';

const LOOK_EVERY_MS = 2;

const [data, sessions] = process.argv.slice(2);
const machine = (file, name) => ({
  module: new URL(`./machines/${file}.js`, import.meta.url),
  export: name,
  version: '1',
});

let errors = 0;
const runtime = await createRuntime(
  {
    machines: {
      relay: machine('relay', 'relay'),
      five: machine('patterns', 'fiveSteps'),
      hundred: machine('patterns', 'hundred'),
    },
    agents: { unit: { concurrency: 64, run: () => ({ counts: { done: 1 } }) } },
    data,
    ...(sessions === undefined ? {} : { sessions: Number(sessions) }),
  },
  {
    env: {},
    logger: {
      debug: () => {},
      info: () => {},
      warn: (message, fields) => console.error(message, fields ?? ''),
      error: (message, fields) => {
        errors += 1;
        console.error(message, fields ?? '');
      },
    },
  },
);

const jobs = {
  ready: async () => null,
  /** Messages applied since the start. */
  applied: async () => runtime.counters().actors.applied,
  commits: async () => runtime.counters().actors.commits,
  /** Epoch ms when so many were applied. */
  async untilApplied(count) {
    while (runtime.counters().actors.applied < count)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return performance.timeOrigin + performance.now();
  },
  /** After a full collection, with --expose-gc. */
  async memory() {
    for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heap: heapUsed + external };
  },
  errors: async () => errors,
  async stop() {
    await runtime.stop();
    return null;
  },
};

process.on('message', ({ id, job, args }) => {
  jobs[job](...args).then(
    (result) => process.send?.({ kind: 'done', id, result }),
    (error) => process.send?.({ kind: 'failed', id, why: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
