// A host in a process of its own, as a service embeds it (dist). Plain JavaScript, because its memory is measured.
// Arguments: data folder of the running broker; sessions held at once and locks in ms, each empty for the default.
import { Session as Inspector } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import { createRuntime } from 'quorate';
import Session from 'rhea/lib/session.js';

const LOOK_EVERY_MS = 2;

const [data, sessions, lockMs] = process.argv.slice(2);
const machine = (file, name) => ({
  module: new URL(`./machines/${file}.js`, import.meta.url),
  export: name,
  version: '1',
});

const inspector = new Inspector();
let errors = 0;
const losses = [];
/** AMQP links that are open, senders and receivers alike. */
const links = new Set();
watchLinks(Session.prototype);
const runtime = await createRuntime(
  {
    machines: {
      relay: machine('relay', 'relay'),
      five: machine('patterns', 'fiveSteps'),
      hundred: machine('patterns', 'hundred'),
    },
    agents: { unit: { concurrency: 64, run: () => ({ counts: { done: 1 } }) } },
    data,
    ...(sessions ? { sessions: Number(sessions) } : {}),
    ...(lockMs ? { lockDurationMs: Number(lockMs) } : {}),
  },
  {
    env: {},
    logger: {
      debug: () => {},
      info: (message, fields) => {
        if (message === 'session lost')
          losses.push({ at: performance.timeOrigin + performance.now(), session: fields.sessionId });
      },
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
    return { rss, heap: heapUsed + external, links: links.size };
  },
  errors: async () => errors,
  /** Sessions whose lock was lost, and when (epoch ms). */
  losses: async () => losses,
  /** Of the main thread. */
  async startProfile() {
    inspector.connect();
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
    await inspector.post('Profiler.start');
    return null;
  },
  async stopProfile() {
    const { profile } = await inspector.post('Profiler.stop');
    inspector.disconnect();
    return profile;
  },
};

process.on('message', ({ id, job, args }) => {
  jobs[job](...args).then(
    (result) => process.send?.({ kind: 'done', id, result }),
    (error) => process.send?.({ kind: 'failed', id, why: String(error) }),
  );
});
process.on('disconnect', () => process.exit());

/** @param {{ create_link: Function, remove_link: Function }} session rhea's, of which the SDK's links are made */
function watchLinks(session) {
  const { create_link: create, remove_link: remove } = session;
  session.create_link = function (...args) {
    const link = create.apply(this, args);
    links.add(link);
    return link;
  };
  session.remove_link = function (link) {
    links.delete(link);
    return remove.call(this, link);
  };
}
