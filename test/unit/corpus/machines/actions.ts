// Context and actions: input, assign, parameters, named custom actions, enqueueActions, emit, log, entry and exit order.
import { assign, createMachine, emit, enqueueActions, log, not, raise, sendTo, setup } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start } from '../case.ts';

export const feedback = setup({
  types: {
    context: {} as {
      user: { name: string; tags: string[] };
      rating: number | null;
      optional?: string | undefined;
    },
    input: {} as { name: string; rating?: number } | undefined,
    events: {} as
      | { type: 'RATE'; rating: number }
      | { type: 'RENAME'; name: string }
      | { type: 'CLEAR' }
      | { type: 'TAG'; tag: string },
  },
  actions: {
    rate: assign({ rating: (_, { rating }: { rating: number }) => Math.min(rating, 5) }),
    rename: assign(({ context }, { name }: { name: string }) => ({ user: { ...context.user, name } })),
    clear: assign({ rating: null, optional: undefined }),
  },
}).createMachine({
  context: ({ input }) => ({
    user: { name: input?.name ?? 'nobody', tags: [] },
    rating: input?.rating ?? null,
    optional: 'here',
  }),
  on: {
    RATE: { actions: { type: 'rate', params: ({ event }) => ({ rating: event.rating }) } },
    RENAME: {
      actions: [
        { type: 'rename', params: ({ event }) => ({ name: event.name }) },
        { type: 'rate', params: { rating: 1 } },
      ],
    },
    TAG: {
      actions: assign(({ context, event }) => ({
        user: { ...context.user, tags: [...context.user.tags, event.tag] },
      })),
    },
    CLEAR: { actions: 'clear' },
  },
});

/** Started without input: whoever asks for it gets undefined, as under createActor. */
export const withDefaults = setup({
  types: { context: {} as { from: number; text: string }, input: {} as { from: number } | undefined },
}).createMachine({
  context: ({ input: { from } = { from: 7 } }) => ({ from, text: '' }),
  entry: assign({ text: ({ event }) => `${event.type} ${typeof (event as { input?: unknown }).input}` }),
});

export const notifier = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'go' } | { type: 'leave'; why: string } },
  actions: {
    notify: (_args, _params: { to: string; n: number }) => {},
    beep: () => {},
  },
})
  .extend({
    actions: {
      both: enqueueActions(({ enqueue }) => {
        enqueue({ type: 'beep' } as never);
        enqueue({ type: 'notify', params: { to: 'both', n: 0 } } as never);
      }),
    },
  })
  .createMachine({
    context: { n: 0 },
    initial: 'a',
    states: {
      a: {
        entry: ['beep', { type: 'notify', params: { to: 'ops', n: 1 } }],
        exit: { type: 'notify', params: ({ context, event }) => ({ to: event.type, n: context.n }) },
        on: {
          go: {
            actions: [
              assign({ n: 1 }),
              'both',
              { type: 'notify', params: ({ context }) => ({ to: 'dev', n: context.n }) },
            ],
          },
          leave: { target: 'b', actions: assign({ n: 2 }) },
        },
      },
      b: { entry: 'both' },
    },
  });

export const queueing = setup({
  types: {
    context: {} as { count: number; heard: string[] },
    events: {} as { type: 'go'; deep?: boolean } | { type: 'inner'; n: number } | { type: 'late' },
    emitted: {} as { type: 'counted'; count: number } | { type: 'odd' },
  },
  guards: {
    isOdd: ({ context }) => context.count % 2 === 1,
    below: ({ context }, max: number) => context.count < max,
  },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    hear: assign({ heard: ({ context }, what: string) => [...context.heard, what] }),
  },
}).createMachine({
  context: { count: 0, heard: [] },
  initial: 'on',
  states: {
    on: {
      on: {
        go: {
          actions: enqueueActions(({ context, event, enqueue, check, self }) => {
            enqueue('count');
            enqueue.assign({ heard: [...context.heard, `go ${context.count}`] });
            if (check('isOdd')) enqueue.emit({ type: 'odd' });
            if (check(not({ type: 'below', params: 2 }))) enqueue({ type: 'hear', params: 'enough' });
            enqueue.emit(({ context: now }) => ({ type: 'counted', count: now.count }));
            enqueue.raise({ type: 'inner', n: context.count });
            if (event.deep) {
              enqueue(
                enqueueActions(({ context: later, enqueue: more }) => {
                  more({ type: 'hear', params: `nested ${later.count}` });
                }),
              );
              enqueue.sendTo(self, { type: 'late' });
            }
          }),
        },
        inner: { actions: { type: 'hear', params: ({ event }) => `inner ${event.n}` } },
        late: {
          actions: [{ type: 'hear', params: 'late' }, log(({ context }) => context.heard.length, 'heard')],
        },
      },
    },
  },
});

export const announcer = setup({
  types: { emitted: {} as { type: 'entered'; state: string } | { type: 'left'; by: string } },
}).createMachine({
  initial: 'one',
  entry: emit({ type: 'entered', state: 'root' }),
  states: {
    one: {
      entry: emit({ type: 'entered', state: 'one' }),
      exit: emit(({ event }) => ({ type: 'left', by: event.type })),
      on: { NEXT: 'two' },
    },
    two: {
      entry: emit({ type: 'entered', state: 'two' }),
      on: { NEXT: { target: 'one', actions: log(({ event }) => event) } },
    },
  },
});

/** To itself by sendTo: after the step, in order, and before anything else. */
export const selfTalk = setup({
  types: { context: {} as { log: string[] } },
  actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
}).createMachine({
  context: { log: [] },
  initial: 'a',
  states: {
    a: {
      on: {
        go: {
          actions: [
            'note',
            sendTo(({ self }) => self, { type: 'second' }),
            raise({ type: 'first' }),
            sendTo(({ self }) => self, { type: 'third' }),
          ],
          target: 'b',
        },
      },
    },
    b: {
      on: {
        first: { actions: 'note' },
        second: { actions: ['note', sendTo(({ self }) => self, { type: 'fourth' })] },
        third: { actions: 'note' },
        fourth: { actions: 'note', target: 'a' },
      },
    },
  },
});

export const tagged = createMachine({
  initial: 'loading',
  states: {
    loading: { tags: ['busy', 'visible'], meta: { view: 'spinner' }, on: { DONE: 'shown', FAIL: 'failed' } },
    shown: {
      tags: 'visible',
      initial: 'calm',
      states: { calm: { on: { FLASH: 'flashing' } }, flashing: { tags: ['bright'] } },
      on: { HIDE: { target: 'hidden', guard: () => true } },
    },
    failed: { tags: [] },
    hidden: { description: 'nothing to see' },
  },
});

/** Typed helpers of setup() give ordinary configuration. */
const base = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'inc' } | { type: 'stop' } },
  actions: { inc: assign({ n: ({ context }) => context.n + 1 }) },
  guards: { enough: ({ context }) => context.n > 1 },
});
const counting = base.createStateConfig({
  on: { inc: { actions: 'inc' }, stop: { guard: 'enough', target: 'stopped' } },
});
const extended = base.extend({ actions: { double: assign({ n: ({ context }) => context.n * 2 }) } });

export const fromParts = extended
  .createMachine({
    context: { n: 0 },
    initial: 'counting',
    states: {
      counting,
      stopped: { entry: ['double', base.assign({ n: ({ context }) => context.n + 100 })] },
    },
  })
  .provide({ actions: { inc: assign({ n: ({ context }) => context.n + 3 }) } });

export const cases: Scripts = {
  feedback: {
    input: { name: 'Ada' },
    script: [
      [start, {}],
      [send('RATE', { rating: 9 }), {}],
      [send('TAG', { tag: 'new' }), {}],
      [send('RENAME', { name: 'Grace' }), {}],
      [send('TAG', { tag: 'old' }), {}],
      [send('CLEAR'), {}],
    ],
    context: { user: { name: 'Grace', tags: ['new', 'old'] } },
  },
  withDefaults: { script: [[start, {}]], context: { from: 7, text: 'xstate.init undefined' } },
  notifier: {
    script: [
      [start, 'a'],
      [send('go'), 'a'],
      [send('leave', { why: 'late' }), 'b'],
    ],
    acted: [
      'beep',
      ['notify', { to: 'ops', n: 1 }],
      'beep',
      ['notify', { to: 'both', n: 0 }],
      ['notify', { to: 'dev', n: 1 }],
      ['notify', { to: 'leave', n: 1 }],
      'beep',
      ['notify', { to: 'both', n: 0 }],
    ],
  },
  queueing: {
    script: [
      [start, 'on'],
      [send('go'), 'on'],
      [send('go', { deep: true }), 'on'],
      [send('go'), 'on'],
    ],
    context: {
      count: 3,
      heard: ['go 0', 'inner 0', 'go 1', 'nested 2', 'inner 1', 'late', 'go 2', 'enough', 'inner 2'],
    },
    emitted: [
      { type: 'counted', count: 1 },
      { type: 'odd' },
      { type: 'counted', count: 2 },
      { type: 'counted', count: 3 },
    ],
    logged: [6],
  },
  announcer: {
    script: [
      [start, 'one'],
      [send('NEXT'), 'two'],
      [send('NEXT'), 'one'],
    ],
    logged: [{ type: 'NEXT' }],
  },
  selfTalk: {
    script: [
      [start, 'a'],
      [send('go'), 'a'],
    ],
    context: { log: ['go', 'first', 'second', 'third', 'fourth'] },
  },
  tagged: {
    script: [
      [start, 'loading'],
      [send('DONE'), { shown: 'calm' }],
      [send('FLASH'), { shown: 'flashing' }],
      [send('HIDE'), 'hidden'],
    ],
  },
  fromParts: {
    script: [
      [start, 'counting'],
      [send('stop'), 'counting'],
      [send('inc'), 'counting'],
      [send('stop'), 'stopped'],
    ],
    context: { n: 106 },
  },
};
