// A research back end: many questions to a model at once, a report that two writers offer and a critic chooses, a person who says yes,
// and a publication that is undone if it fails half way.
import { ask, deadline, proposal, quorum, saga, scatter } from 'quorate';
import { assign, setup } from 'xstate';

/** What `client.start` gives. */
export interface Research {
  readonly topic: string;
  readonly questions: readonly string[];
}

export interface ReportRequest {
  readonly topic: string;
  readonly findings: readonly string[];
}

const drafting = proposal<ReportRequest, string, string>({
  id: 'drafting',
  proposers: ['brief', 'thorough'],
  critic: 'critic',
  rounds: 2,
  acceptAt: 0.8,
  offerTtlMs: 300_000,
  deadlineMs: 240_000,
});

const publishing = saga<{ topic: string; report: string }>({
  id: 'publishing',
  steps: [
    { name: 'reserve', agent: 'reserve', compensate: 'release' },
    { name: 'store', agent: 'store', compensate: 'remove' },
    { name: 'index', agent: 'index', compensate: 'unindex' },
    { name: 'announce', agent: 'announce' },
  ],
});

interface Context extends Research {
  readonly findings: readonly string[];
  readonly report: string;
}

export const research = setup({
  types: {
    context: {} as Context,
    input: {} as Research,
    output: {} as { report: string; findings: number },
    events: {} as { type: 'answer'; answer: string },
  },
  actors: { askAll: scatter<string, string>(), drafting, publishing },
  guards: { isPublished: (_, { status }: { status: string }) => status === 'done' },
}).createMachine({
  context: ({ input }) => ({ ...input, findings: [], report: '' }),
  initial: 'researching',
  states: {
    researching: {
      invoke: {
        src: 'askAll',
        // Two thirds of the answers are enough; after two minutes a third is.
        input: ({ context: { questions } }) => ({
          agents: ['researcher'],
          items: questions,
          collect: 'values' as const,
          policy: {
            ...quorum(Math.ceil((questions.length * 2) / 3)),
            ...deadline(120_000),
            atLeast: Math.ceil(questions.length / 3),
          },
        }),
        onDone: {
          target: 'drafting',
          actions: assign({ findings: ({ event }) => event.output.values.map(({ value }) => value) }),
        },
        onError: 'failed',
      },
    },
    drafting: {
      invoke: {
        src: 'drafting',
        input: ({ context: { topic, findings } }) => ({ request: { topic, findings } }),
        onDone: { target: 'approving', actions: assign({ report: ({ event }) => event.output.offer ?? '' }) },
        onError: 'failed',
      },
    },
    approving: {
      meta: ask<Context>({
        question: ({ context: { topic, report } }) => `Publish this report about ${topic}?\n\n${report}`,
        choices: ['publish', 'keep'],
        deadlineMs: 86_400_000,
        default: 'keep',
      }),
      on: {
        answer: [
          { guard: ({ event }) => event.answer === 'publish', target: 'publishing' },
          { target: 'kept' },
        ],
      },
    },
    publishing: {
      invoke: {
        src: 'publishing',
        input: ({ context: { topic, report } }) => ({ topic, report }),
        onDone: [
          {
            guard: { type: 'isPublished', params: ({ event }) => ({ status: event.output.status }) },
            target: 'published',
          },
          { target: 'failed' },
        ],
        onError: 'failed',
      },
    },
    published: { type: 'final' },
    kept: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { report, findings } }) => ({ report, findings: findings.length }),
});
