// Actors that talk to each other: an auction, a phone call.
import type { AnyActorRef } from 'xstate';
import {
  assign,
  cancel,
  enqueueActions,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { Scripts } from '../case.ts';
import { send, sendChild, start, wait } from '../case.ts';

const bidder = setup({
  types: {
    context: {} as { me: string; limit: number; auction: AnyActorRef },
    input: {} as { me: string; limit: number; auction: AnyActorRef },
    events: {} as { type: 'OFFER'; price: number; by: string },
  },
}).createMachine({
  context: ({ input }) => input,
  initial: 'bidding',
  states: {
    bidding: {
      on: {
        OFFER: [
          { guard: ({ context, event }) => event.by === context.me },
          {
            guard: ({ context, event }) => event.price < context.limit,
            actions: sendTo(
              ({ context }) => context.auction,
              ({ event, self }) => ({ type: 'BID', price: event.price + 10, by: self.id }),
            ),
          },
          { target: 'out', actions: sendParent(({ self }) => ({ type: 'OUT', who: self.id })) },
        ],
      },
    },
    out: { type: 'final' },
  },
});

/** Bidders are spawned with references to the auction; they bid until all but one are out. */
export const auction = setup({
  types: {
    context: {} as { price: number; leader: string; bidders: string[] },
    events: {} as
      | { type: 'JOIN'; name: string; limit: number }
      | { type: 'BID'; price: number; by: string }
      | { type: 'OUT'; who: string }
      | { type: 'OPEN' },
    output: {} as { winner: string; price: number },
  },
  actors: { bidder },
  actions: {
    announce: enqueueActions(({ context, enqueue }) => {
      for (const name of context.bidders)
        enqueue.sendTo(name, { type: 'OFFER', price: context.price, by: context.leader });
    }),
  },
}).createMachine({
  context: { price: 100, leader: '', bidders: [] },
  initial: 'gathering',
  states: {
    gathering: {
      on: {
        JOIN: {
          actions: [
            spawnChild('bidder', {
              id: ({ event }) => (event as { name: string }).name,
              input: ({ event, self }) => ({
                me: (event as { name: string }).name,
                limit: (event as { limit: number }).limit,
                auction: self as AnyActorRef,
              }),
            }),
            assign({ bidders: ({ context, event }) => [...context.bidders, event.name] }),
          ],
        },
        OPEN: { target: 'open', actions: 'announce' },
      },
    },
    open: {
      on: {
        BID: {
          guard: ({ context, event }) => event.price > context.price,
          actions: [
            assign({ price: ({ event }) => event.price, leader: ({ event }) => event.by }),
            'announce',
          ],
        },
        OUT: {
          actions: [
            stopChild(({ event }) => event.who),
            assign({ bidders: ({ context, event }) => context.bidders.filter((name) => name !== event.who) }),
          ],
        },
      },
      always: { guard: ({ context }) => context.bidders.length <= 1, target: 'sold' },
    },
    sold: { type: 'final' },
  },
  output: ({ context }) => ({ winner: context.leader, price: context.price }),
});

/** A phone call between two children that know each other only through their parent. */
const phone = setup({
  types: {
    context: {} as { heard: string[] },
    events: {} as { type: 'SAY'; text: string } | { type: 'HEAR'; text: string } | { type: 'HANG_UP' },
  },
}).createMachine({
  context: { heard: [] },
  initial: 'talking',
  states: {
    talking: {
      on: {
        SAY: {
          actions: sendParent(({ event, self }) => ({ type: 'SAID', from: self.id, text: event.text })),
        },
        HEAR: {
          actions: [
            assign({ heard: ({ context, event }) => [...context.heard, event.text] }),
            raise({ type: 'HANG_UP' }, { delay: 1_000, id: 'silence' }),
          ],
          target: 'listening',
        },
        HANG_UP: 'idle',
      },
    },
    listening: {
      on: {
        SAY: {
          target: 'talking',
          actions: [
            cancel('silence'),
            sendParent(({ event, self }) => ({ type: 'SAID', from: self.id, text: event.text })),
          ],
        },
        HANG_UP: 'idle',
      },
    },
    idle: { type: 'final' },
  },
  output: ({ context }) => context.heard.join(' '),
});
export const call = setup({
  types: {
    context: {} as { protocol: string[] },
    events: {} as { type: 'SAID'; from: string; text: string },
  },
  actors: { phone },
}).createMachine({
  context: { protocol: [] },
  type: 'parallel',
  on: {
    SAID: {
      actions: sendTo(
        ({ event }) => (event.from === 'alice' ? 'bob' : 'alice'),
        ({ event }) => ({ type: 'HEAR', text: event.text }),
      ),
    },
  },
  states: {
    a: {
      initial: 'on',
      states: {
        on: {
          invoke: {
            id: 'alice',
            src: 'phone',
            onDone: {
              target: 'off',
              actions: assign({
                protocol: ({ context, event }) => [...context.protocol, `alice: ${event.output as string}`],
              }),
            },
          },
        },
        off: { type: 'final' },
      },
    },
    b: {
      initial: 'on',
      states: {
        on: {
          invoke: {
            id: 'bob',
            src: 'phone',
            onDone: {
              target: 'off',
              actions: assign({
                protocol: ({ context, event }) => [...context.protocol, `bob: ${event.output as string}`],
              }),
            },
          },
        },
        off: { type: 'final' },
      },
    },
  },
  output: ({ context }) => context.protocol,
});

export const cases: Scripts = {
  auction: {
    script: [
      [start, 'gathering'],
      [send('JOIN', { name: 'ann', limit: 150 }), 'gathering'],
      [send('JOIN', { name: 'ben', limit: 120 }), 'gathering'],
      [send('OPEN'), 'sold'],
    ],
    output: { winner: 'ann', price: 130 },
  },
  call: {
    script: [
      [start, { a: 'on', b: 'on' }],
      [sendChild('alice', 'SAY', { text: 'hello' }), { a: 'on', b: 'on' }],
      [wait(900), { a: 'on', b: 'on' }],
      [sendChild('bob', 'SAY', { text: 'yes?' }), { a: 'on', b: 'on' }],
      [wait(900), { a: 'on', b: 'on' }],
      [sendChild('alice', 'SAY', { text: 'still there' }), { a: 'on', b: 'on' }],
      [wait(1_000), { a: 'on', b: 'off' }],
      [sendChild('alice', 'HANG_UP'), { a: 'off', b: 'off' }],
    ],
    output: ['bob: hello still there', 'alice: yes?'],
  },
};
