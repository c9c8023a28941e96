import { scatter } from 'quorate';
import { createActor, fromPromise, toPromise } from 'xstate';
import { headline } from './headline.machine.ts';

const tested = headline.provide({
  actors: {
    'quorate.scatter': scatter({ agents: { bold: () => 'WAR!', sober: () => 'Talks fail' } }),
    editor: fromPromise(async () => ({ choice: 1, score: 0.9 })),
  },
});

const actor = createActor(tested, { input: { request: { article: '...' } } }).start();
export const output = await toPromise(actor); // { outcome: 'accepted', offer: 'Talks fail', ... }
