// Quorate as one of the peers: broker, host and client in a process each.
import { join } from 'node:path';
import { startBroker } from '../../../packages/broker/bench/broker/server-process.ts';
import { declareEntities } from '../entities.ts';
import { startHost } from '../host.ts';
import { startLoad } from '../load.ts';
import { KEYS, type Peer } from './peer.ts';

const SESSIONS = 128;

export const quorate: Peer = {
  name: 'quorate',
  async start(folder) {
    const data = join(folder, 'quorate');
    await using stack = new AsyncDisposableStack();
    stack.use(await startBroker(data));
    stack.use(await startHost(data, { sessions: SESSIONS }));
    await declareEntities(data);
    const load = stack.use(await startLoad(data));
    await load.ask('start', 'k', KEYS);
    const all = stack.move();
    let runs = 0;
    return {
      steps: (count, width) => load.ask('steps', KEYS, count, width),
      sagas: (count, width) => load.ask('sagas', `s${runs++}-`, count, width),
      scatters: (items, count, width) => load.ask('scatters', `g${runs++}-`, items, count, width),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  },
};
