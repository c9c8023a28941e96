// Hierarchy, parallel regions, history and final states.
import { assign, createMachine, log, setup } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start } from '../case.ts';

/** What a child does not handle its parent does. */
export const bubbling = createMachine({
  initial: 'on',
  states: {
    off: { on: { POWER: 'on' } },
    on: {
      initial: 'menu',
      on: { POWER: 'off', BACK: '.menu' },
      states: {
        menu: { on: { PLAY: 'movie', BACK: {} } },
        movie: {
          initial: 'running',
          states: {
            running: { on: { PAUSE: 'paused', POWER: 'paused' } },
            paused: { on: { PLAY: 'running' } },
          },
        },
      },
    },
  },
});

export const textEditor = createMachine({
  type: 'parallel',
  states: {
    bold: {
      initial: 'off',
      states: { off: { on: { BOLD: 'on' } }, on: { on: { BOLD: 'off', PLAIN: 'off' } } },
    },
    italic: {
      initial: 'off',
      states: { off: { on: { ITALIC: 'on' } }, on: { on: { ITALIC: 'off', PLAIN: 'off' } } },
    },
    list: {
      initial: 'none',
      states: {
        none: { on: { LIST: 'shown' } },
        shown: {
          type: 'parallel',
          states: {
            bullets: { initial: 'round', states: { round: { on: { NEXT: 'square' } }, square: {} } },
            indent: {
              initial: 'one',
              states: { one: { on: { NEXT: 'two' } }, two: { on: { PLAIN: '#gone' } } },
            },
          },
        },
        gone: { id: 'gone' },
      },
    },
  },
});

/** One event moves several regions; a transition may name a target in each. */
export const manyTargets = createMachine({
  id: 'board',
  initial: 'setup',
  states: {
    setup: { on: { LOAD: { target: ['playing.left.far', 'playing.right.near'] } } },
    playing: {
      type: 'parallel',
      on: { SWAP: { target: ['.left.near', '.right.far'] } },
      states: {
        left: { initial: 'near', states: { near: {}, far: {} } },
        right: { initial: 'near', states: { near: {}, far: {} } },
      },
    },
  },
});

export const payment = createMachine({
  id: 'payment',
  initial: 'method',
  states: {
    method: {
      initial: 'cash',
      states: {
        cash: { on: { CHECK: 'check' } },
        check: { initial: 'blank', states: { blank: { on: { SIGN: 'signed' } }, signed: {} } },
        last: { type: 'history' },
        exactly: { type: 'history', history: 'deep', target: 'cash' },
      },
      on: { REVIEW: 'review' },
    },
    review: { on: { BACK: 'method.last', BACK_EXACTLY: '#payment.method.exactly', FRESH: 'method' } },
  },
});

export const deepHistory = createMachine({
  id: 'studio',
  initial: 'away',
  states: {
    away: { on: { COME: 'room.memory' } },
    room: {
      type: 'parallel',
      on: { GO: 'away' },
      states: {
        memory: { type: 'history', history: 'deep' },
        music: {
          initial: 'silent',
          states: {
            silent: { on: { PLAY: 'playing' } },
            playing: { initial: 'jazz', states: { jazz: { on: { SWITCH: 'folk' } }, folk: {} } },
          },
        },
        light: { initial: 'dark', states: { dark: { on: { LIGHT: 'bright' } }, bright: {} } },
      },
    },
  },
});

/** Output travels from the inner final state to onDone, and from the machine to whoever waits. */
export const questionnaire = setup({
  types: {
    context: {} as { name: string; answers: string[] },
    events: {} as { type: 'ANSWER'; text: string } | { type: 'SKIP' },
  },
}).createMachine({
  context: { name: '', answers: [] },
  initial: 'personal',
  states: {
    personal: {
      initial: 'name',
      states: {
        name: {
          on: {
            ANSWER: { target: 'known', actions: assign({ name: ({ event }) => event.text }) },
            SKIP: 'unknown',
          },
        },
        known: { type: 'final', output: ({ context }) => ({ greeting: `hello ${context.name}` }) },
        unknown: { type: 'final', output: { greeting: 'hello you' } },
      },
      onDone: {
        target: 'questions',
        actions: [
          assign({
            answers: ({ context, event }) => [
              ...context.answers,
              (event.output as { greeting: string }).greeting,
            ],
          }),
          log(({ event }) => event.type),
        ],
      },
    },
    questions: {
      type: 'parallel',
      exit: log('questions out'),
      states: {
        one: { initial: 'open', states: { open: { on: { ANSWER: 'closed' } }, closed: { type: 'final' } } },
        two: {
          initial: 'open',
          states: {
            open: { on: { SKIP: 'half' } },
            half: {
              initial: 'x',
              states: { x: { on: { SKIP: 'y' } }, y: { type: 'final' } },
              onDone: 'closed',
            },
            closed: { type: 'final', entry: log('two closed') },
          },
        },
      },
      onDone: 'end',
    },
    end: { type: 'final', output: ({ context }) => context.answers.length, exit: log('end out') },
  },
  exit: log('root out'),
  output: ({ context, event }) => ({
    answers: context.answers,
    from: event.output as number,
    event: event.type,
  }),
});

export const cases: Scripts = {
  bubbling: {
    script: [
      [start, { on: 'menu' }],
      [send('BACK'), { on: 'menu' }],
      [send('PLAY'), { on: { movie: 'running' } }],
      [send('POWER'), { on: { movie: 'paused' } }],
      [send('BACK'), { on: 'menu' }],
      [send('POWER'), 'off'],
      [send('POWER'), { on: 'menu' }],
    ],
  },
  textEditor: {
    script: [
      [start, { bold: 'off', italic: 'off', list: 'none' }],
      [send('BOLD'), { bold: 'on', italic: 'off', list: 'none' }],
      [send('ITALIC'), { bold: 'on', italic: 'on', list: 'none' }],
      [send('LIST'), { bold: 'on', italic: 'on', list: { shown: { bullets: 'round', indent: 'one' } } }],
      [send('NEXT'), { bold: 'on', italic: 'on', list: { shown: { bullets: 'square', indent: 'two' } } }],
      [send('PLAIN'), { bold: 'off', italic: 'off', list: 'gone' }],
    ],
  },
  manyTargets: {
    script: [
      [start, 'setup'],
      [send('LOAD'), { playing: { left: 'far', right: 'near' } }],
      [send('SWAP'), { playing: { left: 'near', right: 'far' } }],
    ],
  },
  payment: {
    script: [
      [start, { method: 'cash' }],
      [send('REVIEW'), 'review'],
      [send('BACK'), { method: 'cash' }],
      [send('CHECK'), { method: { check: 'blank' } }],
      [send('SIGN'), { method: { check: 'signed' } }],
      [send('REVIEW'), 'review'],
      [send('BACK'), { method: { check: 'blank' } }],
      [send('SIGN'), { method: { check: 'signed' } }],
      [send('REVIEW'), 'review'],
      [send('BACK_EXACTLY'), { method: { check: 'signed' } }],
      [send('REVIEW'), 'review'],
      [send('FRESH'), { method: 'cash' }],
    ],
  },
  deepHistory: {
    script: [
      [start, 'away'],
      [send('COME'), { room: { music: 'silent', light: 'dark' } }],
      [send('PLAY'), { room: { music: { playing: 'jazz' }, light: 'dark' } }],
      [send('SWITCH'), { room: { music: { playing: 'folk' }, light: 'dark' } }],
      [send('LIGHT'), { room: { music: { playing: 'folk' }, light: 'bright' } }],
      [send('GO'), 'away'],
      [send('COME'), { room: { music: { playing: 'folk' }, light: 'bright' } }],
    ],
  },
  questionnaire: {
    script: [
      [start, { personal: 'name' }],
      [send('ANSWER', { text: 'Ada' }), { questions: { one: 'open', two: 'open' } }],
      [send('SKIP'), { questions: { one: 'open', two: { half: 'x' } } }],
      [send('ANSWER', { text: 'yes' }), { questions: { one: 'closed', two: { half: 'x' } } }],
      [send('SKIP'), 'end'],
    ],
    output: { answers: ['hello Ada'], from: 1, event: 'xstate.done.state.(machine).end' },
    logged: ['xstate.done.state.(machine).personal', 'two closed', 'questions out', 'end out', 'root out'],
  },
};
