// One review from the folder to the delivered report. It decides and counts; agents do the work; findings and files stay
// in the run folder, so that the state is a few kilobytes however large the repository is.
import { agent, all, ask, deadline, proposal, saga, scatter } from 'quorate';
import { assign, type ErrorActorEvent, setup } from 'xstate';
import {
  type Collected,
  type Counted,
  type Delivery,
  type Feedback,
  type Offer,
  PLANNERS,
  type PlanRequest,
  REVIEWERS,
  type Reason,
  type Replies,
  type ReviewFile,
  type ReviewInput,
  type ReviewOutput,
  type ReviewReply,
  type Scan,
  type Workplace,
} from './protocol.ts';
import * as read from './review.steps.ts';

/** A large repository on a small machine: whatever the policy, nobody waits longer. */
const REVIEW_DEADLINE_MS = 3_600_000;

/** The answer that publishes. */
const PUBLISH = 'publish';
/** Who was asked has so long; then the report is kept where it is. */
const APPROVAL_MS = 86_400_000;

const planning = proposal<PlanRequest, Offer, Feedback>({
  id: 'planning',
  proposers: PLANNERS,
  critic: 'critic',
  rounds: 4,
  acceptAt: 0.97,
  offerTtlMs: 120_000,
  deadlineMs: 300_000,
});

const delivery = saga<Delivery, { stage: null; write: null; verify: null; publish: { files: string[] } }>({
  id: 'delivery',
  steps: [
    { name: 'stage', agent: 'stage', compensate: 'unstage' },
    { name: 'write', agent: 'write', compensate: 'unwrite' },
    { name: 'verify', agent: 'verify' },
    { name: 'publish', agent: 'publish', compensate: 'unpublish' },
  ],
});

export interface ReviewContext {
  readonly input: ReviewInput;
  readonly scan: Scan | null;
  readonly replies: Replies | null;
  readonly collected: Collected | null;
  readonly plan: (Counted['plan'] & { readonly offer: Offer }) | null;
  readonly outcome: ReviewOutput | null;
}

const failed = (at: string) =>
  ({
    target: 'failed',
    actions: {
      type: 'fail',
      params: ({ event }: { event: ErrorActorEvent }) => ({ at, error: read.reasonOf(event.error) }),
    },
  }) as const;

export const review = setup({
  types: {
    context: {} as ReviewContext,
    input: {} as ReviewInput,
    output: {} as ReviewOutput,
    events: {} as read.Approval,
    tags: {} as 'working' | 'delivered' | 'failed',
  },
  actors: {
    scan: agent<Scan, ReviewInput>(),
    scatter: scatter<ReviewFile, ReviewReply, Workplace>(),
    collect: agent<Collected, { runFolder: string; counted: number }>(),
    planning,
    delivery,
  },
  actions: {
    // A delivery that broke off is no delivery that undid itself: only its saga can say that the folder is as it was.
    fail: assign((_, { at, error }: { at: string; error: Reason }) => ({
      outcome: { status: 'failed' as const, at, error, restored: at !== 'delivering' },
    })),
  },
  guards: {
    delivered: ({ context }) => context.outcome?.status === 'delivered',
    asksNobody: ({ context }) => context.input.asks !== true,
  },
}).createMachine({
  id: 'review',
  context: ({ input }) => ({ input, scan: null, replies: null, collected: null, plan: null, outcome: null }),
  initial: 'scanning',
  states: {
    scanning: {
      tags: 'working',
      invoke: {
        id: 'scan',
        src: 'scan',
        input: ({ context }) => context.input,
        onDone: { target: 'reviewing', actions: assign({ scan: ({ event }) => event.output }) },
        onError: failed('scanning'),
      },
    },
    reviewing: {
      tags: 'working',
      invoke: {
        id: 'gather',
        src: 'scatter',
        input: ({ context }) => {
          const { files, ...place } = read.known(context.scan);
          const { policy = 'all' } = context.input;
          return {
            agents: REVIEWERS,
            items: files,
            shared: read.workplace(place),
            policy: policy === 'all' ? all() : deadline(policy),
            collect: 'counts',
            deadlineMs: REVIEW_DEADLINE_MS,
          };
        },
        onDone: {
          target: 'collecting',
          actions: assign({ replies: ({ event }) => read.repliesOf(event.output) }),
        },
        onError: failed('reviewing'),
      },
    },
    collecting: {
      tags: 'working',
      invoke: {
        id: 'collect',
        src: 'collect',
        input: ({ context }) => ({
          runFolder: read.known(context.scan).runFolder,
          counted: read.known(context.replies).findings,
        }),
        onDone: { target: 'planning', actions: assign({ collected: ({ event }) => event.output }) },
        onError: failed('collecting'),
      },
    },
    planning: {
      tags: 'working',
      invoke: {
        id: 'planning',
        src: 'planning',
        input: ({ context }) => ({ request: { runFolder: read.known(context.scan).runFolder } }),
        onDone: { target: 'approving', actions: assign({ plan: ({ event }) => read.planOf(event.output) }) },
        onError: failed('planning'),
      },
    },
    approving: {
      meta: ask<ReviewContext>({
        question: ({ context }) => read.approvalOf(context),
        choices: [PUBLISH, 'keep'],
        deadlineMs: APPROVAL_MS,
        default: 'keep',
      }),
      // A question that is left in the turn that opens it is never seen.
      always: { guard: 'asksNobody', target: 'delivering' },
      on: {
        answer: [
          { guard: ({ event }) => event.answer === PUBLISH, target: 'delivering' },
          {
            target: 'failed',
            actions: {
              type: 'fail',
              params: ({ event }) => ({ at: 'approving', error: read.refusedBy(event) }),
            },
          },
        ],
      },
    },
    delivering: {
      tags: 'working',
      invoke: {
        id: 'delivery',
        src: 'delivery',
        input: ({ context }) => read.deliveryOf(context),
        onDone: {
          target: 'ending',
          actions: assign({ outcome: ({ event, context }) => read.outcomeOf(event.output, context) }),
        },
        onError: failed('delivering'),
      },
    },
    ending: {
      always: [{ guard: 'delivered', target: 'delivered' }, { target: 'failed' }],
    },
    delivered: { type: 'final', tags: 'delivered' },
    failed: { type: 'final', tags: 'failed' },
  },
  output: ({ context }) => read.known(context.outcome),
});
