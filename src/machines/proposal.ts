// Request, proposal, refinement: competing agents make offers, a critic chooses and scores, and its feedback goes into the
// next round until an offer is good enough or the rounds run out. Offers travel with a time to live that the broker ends.
import type { AnyActorRef } from 'xstate';
import { assign, sendTo, setup } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { type GatherOutput, MAX_GATHER_ERRORS, type ScatterPlan } from '../contract/scatter.ts';
import { agent } from './agent.ts';
import { type Escalation, outputOf, toEscalation } from './events.ts';
import type {
  CriticAnswer,
  CriticTask,
  OfferPartial,
  ProposalAsk,
  ProposalContext,
  ProposalMachine,
  ProposalOutput,
} from './proposal-steps.ts';
import * as steps from './proposal-steps.ts';
import { SCATTER, scatter } from './scatter.ts';

export interface ProposalOptions {
  /** Default `proposal`. */
  readonly id?: string;
  /** Agents that compete, each named once. */
  readonly proposers: readonly [string, string, ...string[]];
  /** The agent that chooses and scores. */
  readonly critic: string;
  /** At most so many rounds. */
  readonly rounds: number;
  /** An offer with this score or a higher one is accepted. */
  readonly acceptAt: number;
  /** Time to live of an offer in ms, from when it is made. */
  readonly offerTtlMs: number;
  /** A round continues with the offers that are there after so many ms. */
  readonly deadlineMs: number;
  /** With fewer offers than this the critic is not asked, and the round is over. Default 1. */
  readonly atLeast?: number;
}

/**
 * Ends with status 'error', for the parent's `onError`, when the critic fails, answers what is no choice, or no round
 * brought enough offers: in all of these there is nothing that an output could truthfully hold.
 */
export function proposal<Request = Json, Offer = Json, Feedback = Json>(
  options: ProposalOptions,
): ProposalMachine<Request, Offer, Feedback> {
  const { id = 'proposal', proposers, critic, rounds, acceptAt, atLeast = 1 } = options;
  checkProposalOptions(id, options);

  const machine = setup({
    types: {
      context: {} as ProposalContext,
      events: {} as OfferPartial,
      input: {} as { readonly request: Json },
      output: {} as ProposalOutput,
      tags: {} as ProposalOutput['outcome'],
    },
    actors: { [SCATTER]: scatter(), [critic]: agent<CriticAnswer, CriticTask>() },
    actions: {
      notePartial: assign(({ context, event }) => steps.notePartial(context, event, proposers)),
      takeOffers: assign(({ context, event }) => steps.takeOffers(context, outputOf(event) as GatherOutput)),
      accept: assign(({ context, event }) => steps.accept(context, outputOf(event) as CriticAnswer)),
      refuse: assign(({ context, event }) => steps.refuse(context, outputOf(event) as CriticAnswer)),
      nextRound: assign(({ context }) => steps.nextRound(context)),
      escalate: sendTo(
        ({ self }): AnyActorRef => self,
        (_, error: Escalation) => toEscalation(error),
      ),
    },
    guards: {
      enoughOffers: ({ event }) => (outputOf(event) as GatherOutput).ok >= atLeast,
      roundsLeft: ({ context }) => context.round < rounds,
      nothingSoFar: ({ context }) => context.best === null,
      noChoice: ({ context, event }) => !steps.isUsable(outputOf(event), context),
      goodEnough: ({ event }) => steps.isGoodEnough(outputOf(event) as CriticAnswer, acceptAt),
    },
  }).createMachine({
    id,
    // Also called without input, when a snapshot is restored.
    context: ({ input }) => steps.newProposal((input as { request?: Json } | undefined)?.request ?? null),
    initial: 'proposing',
    states: {
      proposing: {
        invoke: {
          id: 'offers',
          src: SCATTER,
          input: ({ context }) => toPlan(context, options),
          onDone: [
            { guard: 'enoughOffers', target: 'judging', actions: 'takeOffers' },
            { guard: 'roundsLeft', target: 'proposing', reenter: true, actions: ['takeOffers', 'nextRound'] },
            { guard: 'nothingSoFar', target: 'withoutOffer', actions: 'takeOffers' },
            { target: 'exhausted', actions: 'takeOffers' },
          ],
        },
        on: { 'quorate.partial.offers': { actions: 'notePartial' } },
      },
      judging: {
        invoke: {
          id: 'critique',
          src: critic,
          input: ({ context: { request, round, offers } }) => ({ request, round, offers }),
          onDone: [
            { guard: 'noChoice', target: 'withoutVerdict' },
            { guard: 'goodEnough', target: 'accepted', actions: 'accept' },
            { guard: 'roundsLeft', target: 'proposing', actions: ['refuse', 'nextRound'] },
            { target: 'exhausted', actions: 'refuse' },
          ],
        },
      },
      accepted: {
        type: 'final',
        tags: 'accepted',
        output: ({ context }) => steps.toOutput('accepted', context),
      },
      exhausted: {
        type: 'final',
        tags: 'rounds-exhausted',
        output: ({ context }) => steps.toOutput('rounds-exhausted', context),
      },
      withoutOffer: {
        entry: {
          type: 'escalate',
          params: ({ context: { expired, failed, missing } }) => ({
            code: 'GATHER_FAILED',
            message: `${id}: no offer in ${rounds} rounds: ${expired} lapsed, ${failed} failed, ${missing} are missing`,
            data: { reason: 'no-offer', expired, failed, missing },
          }),
        },
      },
      withoutVerdict: {
        entry: {
          type: 'escalate',
          params: ({ context, event }) => ({
            code: 'INPUT_INVALID',
            message: `${id}: critic '${critic}' gave no choice among ${context.offers.length} offers: ${shorten(event)}`,
          }),
        },
      },
    },
    output: ({ event }) => outputOf(event) as ProposalOutput,
  });
  return machine as unknown as ProposalMachine<Request, Offer, Feedback>;
}

/** A gather names its first errors only: with more proposers some lost offers could not be told apart. */
const MAX_PROPOSERS = MAX_GATHER_ERRORS;

function checkProposalOptions(id: string, { proposers, critic, rounds, atLeast = 1 }: ProposalOptions): void {
  const refuse = (why: string): never => {
    throw new QuorateError('CONFIG_INVALID', `${id}: ${why}`);
  };
  if (proposers.length < 2 || proposers.length > MAX_PROPOSERS)
    refuse(`proposers: name 2 to ${MAX_PROPOSERS} agents`);
  if (new Set<string>([...proposers, critic]).size !== proposers.length + 1)
    refuse('proposers and critic: name each agent once');
  if (!Number.isInteger(rounds) || rounds < 1) refuse('rounds: at least 1');
  if (!Number.isInteger(atLeast) || atLeast < 1 || atLeast > proposers.length)
    refuse('atLeast: 1 to the number of proposers');
}

function toPlan({ request, round, best, feedback }: ProposalContext, options: ProposalOptions): ScatterPlan {
  const ask: ProposalAsk = {
    request,
    round,
    ...(best === null ? {} : { previous: best.offer }),
    ...(feedback === null ? {} : { feedback }),
  };
  return {
    agents: options.proposers,
    items: [ask as unknown as Json],
    // A proposer that is late or fails is left out: the guards decide whether the others are enough.
    policy: { kind: 'deadline', ms: options.deadlineMs, atLeast: 0 },
    collect: 'values',
    offerTtlMs: options.offerTtlMs,
  };
}

const MAX_QUOTED_CHARACTERS = 120;

function shorten(event: { readonly type: string }): string {
  return (JSON.stringify(outputOf(event)) ?? 'nothing').slice(0, MAX_QUOTED_CHARACTERS);
}
