// A host with few places in a process of its own (dist), and what its actors wait for. Plain JavaScript: Node's type stripping
// would add 20 MB to every thread. Arguments: data folder of the running broker, sessions held at once.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime } from 'quorate';

const WARM_UP_MS = 3_000;
/** Messages that wait for each busy actor. */
const BACKLOG = 5;

const [, , data, sessions] = process.argv;
/** Actor -> what happens when so many events were committed. */
const onStep = new Map();
const runtime = await createRuntime(
  {
    machines: {
      relay: {
        module: new URL('../runtime/machines/relay.js', import.meta.url),
        export: 'relay',
        version: '1',
      },
    },
    agents: {},
    data,
    sessions: Number(sessions),
  },
  {
    env: {},
    inspection: { actor: () => {}, step: ({ address, events }) => onStep.get(address.id)?.(events.length) },
  },
);
const { client } = runtime;

const jobs = {
  ready: async () => null,
  /** Actors that never run out of messages, each turn is made up for: the longest that one waited between two turns, in ms. */
  async busy(prefix, actors, ms) {
    const ids = await start(prefix, actors);
    const lastAt = new Map();
    let longest = 0;
    let measuring = false;
    const turn = (id) => {
      const now = performance.now();
      if (measuring) longest = Math.max(longest, now - lastAt.get(id));
      lastAt.set(id, now);
    };
    const feed = (id, count) =>
      Promise.all(Array.from({ length: count }, () => client.send('relay', id, { type: 'work', id })));
    for (const id of ids) {
      lastAt.set(id, performance.now());
      onStep.set(id, (events) => {
        turn(id);
        void feed(id, events);
      });
    }
    await Promise.all(ids.map((id) => feed(id, BACKLOG)));
    await sleep(WARM_UP_MS);
    measuring = true;
    await sleep(ms);
    for (const id of ids) turn(id);
    onStep.clear();
    return longest;
  },
  /** So many events a second to one actor after the other: the longest from `send` to the turn, in ms. */
  async sparse(prefix, actors, perSecond, ms) {
    const ids = await start(prefix, actors);
    /** What each was sent and has not applied yet. */
    const sentTo = new Map(ids.map((id) => [id, []]));
    const waits = [];
    for (const id of ids) {
      onStep.set(id, (events) => {
        for (const applied of sentTo.get(id).splice(0, events)) applied();
      });
    }
    const beganAt = performance.now();
    const applied = [];
    for (let sent = 0; (sent * 1000) / perSecond < ms; sent++) {
      await sleep(Math.max(0, beganAt + (sent * 1000) / perSecond - performance.now()));
      const id = ids[sent % actors];
      const from = performance.now();
      const { promise, resolve } = Promise.withResolvers();
      sentTo.get(id).push(resolve);
      applied.push(promise.then(() => waits.push(performance.now() - from)));
      void client.send('relay', id, { type: 'work', id: `${sent}` });
    }
    await Promise.all(applied);
    onStep.clear();
    return Math.max(...waits);
  },
  /** Epoch ms of the last of their turns. */
  async touch(prefix, actors) {
    const ids = await start(prefix, actors);
    let last = 0;
    await Promise.all(
      ids.map(async (id) => {
        const { promise, resolve } = Promise.withResolvers();
        onStep.set(id, () => {
          last = performance.timeOrigin + performance.now();
          resolve();
        });
        await client.send('relay', id, { type: 'work', id });
        await promise;
      }),
    );
    onStep.clear();
    return last;
  },
};

async function start(prefix, actors) {
  const ids = Array.from({ length: actors }, (_, at) => `${prefix}${at}`);
  await Promise.all(ids.map((id) => client.start('relay', { id })));
  return ids;
}

process.on('message', ({ id, job, args }) => {
  jobs[job](...args).then(
    (result) => process.send?.({ kind: 'done', id, result }),
    (error) => process.send?.({ kind: 'failed', id, why: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
