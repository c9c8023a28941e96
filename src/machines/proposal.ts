// Request, proposal, refinement: competing agents make offers, a critic chooses and scores, and its feedback goes into the
// next round until an offer is good enough or the rounds run out. Offers travel with a time to live that the broker ends.
import { type AnyActorRef, assign, sendTo, setup } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { type GatherOutput, MAX_GATHER_ERRORS, type ScatterPlan } from '../contract/scatter.ts';
import { agent } from './agent.ts';
import { type Escalation, outputOf, type PatternMachine, toEscalation } from './pattern-machine.ts';
import { SCATTER, scatter } from './scatter.ts';

// The messages between a proposal, its proposers and its critic; its context; and what each answer changes in that. These are
// pure functions, so that the machine below is only its shape.

/** A proposer's question; it arrives as the `item` of its task, as in every scatter. */
export interface ProposalAsk<Request = Json, Offer = Json, Feedback = Json> {
  readonly request: Request;
  /** From 1. */
  readonly round: number;
  /** The best offer so far: what to refine. */
  readonly previous?: Offer;
  /** What the critic said in the round before. */
  readonly feedback?: Feedback;
}

/** A proposer's task input. Its answer is the offer. */
export interface ProposerTask<Request = Json, Offer = Json, Feedback = Json> {
  readonly item: ProposalAsk<Request, Offer, Feedback>;
}

interface MadeOffer<Offer = Json> {
  /** The agent that made it. */
  readonly proposer: string;
  readonly offer: Offer;
}

/** The critic's task input. */
export interface CriticTask<Request = Json, Offer = Json> {
  readonly request: Request;
  /** From 1. */
  readonly round: number;
  /** This round's offers, in the order of the proposers; at least one. */
  readonly offers: readonly MadeOffer<Offer>[];
}

/** What a critic answers: its choice, how good that is, and what to do better. */
export interface CriticAnswer<Feedback = Json> {
  /** Index of the best of `offers`. */
  readonly choice: number;
  readonly score: number;
  /** Given to every proposer in the next round. */
  readonly feedback?: Feedback;
  /** Takes the offer whatever its score. */
  readonly accepted?: boolean;
}

/** A round's best offer that was not good enough. The offer itself is not kept. */
interface RefusedOffer {
  readonly round: number;
  readonly proposer: string;
  readonly score: number;
}

/** Offers that never reached the critic. */
interface LostOffers {
  /** Lapsed before they were taken. */
  readonly expired: number;
  /** The proposer failed. */
  readonly failed: number;
  /** Not there when the round's time was over. */
  readonly missing: number;
}

interface BestOffer<Offer = Json> extends MadeOffer<Offer> {
  readonly score: number;
  readonly round: number;
}

/** What a proposal knows while it runs; `query` shows it. */
export interface ProposalContext<Request = Json, Offer = Json, Feedback = Json> extends LostOffers {
  readonly request: Request;
  readonly round: number;
  /** Offers before the critic; empty before the first. */
  readonly offers: readonly MadeOffer<Offer>[];
  readonly best: BestOffer<Offer> | null;
  readonly feedback: Feedback | null;
  readonly refused: readonly RefusedOffer[];
  readonly partials: {
    /** Over all rounds. */
    readonly count: number;
    /** By proposer: the last one of this round. */
    readonly last: Readonly<Record<string, { readonly seq: number; readonly value: Json }>>;
  };
}

/** How a proposal ended: the offer, who made it, and what was refused on the way. */
export interface ProposalOutput<Offer = Json> extends LostOffers {
  readonly outcome: 'accepted' | 'rounds-exhausted';
  /** The accepted one, else the best of all rounds. */
  readonly offer: Offer;
  readonly proposer: string;
  readonly score: number;
  /** Rounds asked. */
  readonly rounds: number;
  readonly refused: readonly RefusedOffer[];
}

/** A piece of a proposer's answer; `branch` is the proposer's index. */
interface OfferPartial {
  readonly type: 'quorate.partial.offers';
  readonly seq: number;
  readonly branch: number;
  readonly value: Json;
}

/** What `proposal` gives: input, output, states and tags are exact. */
export type ProposalMachine<Request = Json, Offer = Json, Feedback = Json> = PatternMachine<{
  context: ProposalContext<Request, Offer, Feedback>;
  event: OfferPartial;
  value: 'proposing' | 'judging' | 'accepted' | 'exhausted' | 'withoutOffer' | 'withoutVerdict';
  tag: 'accepted' | 'rounds-exhausted';
  input: { readonly request: Request };
  output: ProposalOutput<Offer>;
}>;

function newProposal(request: Json): ProposalContext {
  return {
    request,
    round: 1,
    offers: [],
    best: null,
    feedback: null,
    refused: [],
    expired: 0,
    failed: 0,
    missing: 0,
    partials: { count: 0, last: {} },
  };
}

/** Begins the next round: its question goes out with what is known so far. */
function nextRound(context: ProposalContext): Partial<ProposalContext> {
  return { round: context.round + 1, offers: [], partials: { ...context.partials, last: {} } };
}

function notePartial(
  { partials }: ProposalContext,
  { branch, seq, value }: OfferPartial,
  proposers: readonly string[],
): Partial<ProposalContext> {
  const proposer = proposers[branch];
  if (proposer === undefined) return {};
  return { partials: { count: partials.count + 1, last: { ...partials.last, [proposer]: { seq, value } } } };
}

function takeOffers(context: ProposalContext, gathered: GatherOutput): Partial<ProposalContext> {
  const expired = gathered.errors.filter(({ error }) => error.code === 'OFFER_EXPIRED').length;
  return {
    offers: [...gathered.values, ...(gathered.references ?? [])]
      .toSorted((one, other) => one.index - other.index)
      .map((made) => ({ proposer: made.agent, offer: 'value' in made ? made.value : { ...made.ref } })),
    expired: context.expired + expired,
    failed: context.failed + gathered.failed - expired,
    missing: context.missing + gathered.missing,
  };
}

/** A critic is an agent, often a model: what it answers is checked before it decides anything. */
function isUsable(answer: unknown, { offers }: ProposalContext): answer is CriticAnswer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { choice, score } = answer as Partial<CriticAnswer>;
  return Number.isInteger(choice) && Number.isFinite(score) && offers[choice as number] !== undefined;
}

function isGoodEnough({ score, accepted }: CriticAnswer, acceptAt: number): boolean {
  return accepted === true || score >= acceptAt;
}

function accept(context: ProposalContext, answer: CriticAnswer): Partial<ProposalContext> {
  return { best: chosen(context, answer), offers: [] };
}

/** Keeps the better offer. With equal scores the later one stays: it has answered the feedback. */
function refuse(context: ProposalContext, answer: CriticAnswer): Partial<ProposalContext> {
  const offer = chosen(context, answer);
  if (offer === null) return {};
  const { round, proposer, score } = offer;
  return {
    best: context.best === null || score >= context.best.score ? offer : context.best,
    feedback: answer.feedback ?? null,
    refused: [...context.refused, { round, proposer, score }],
    offers: [],
  };
}

function chosen({ offers, round }: ProposalContext, { choice, score }: CriticAnswer): BestOffer | null {
  const made = offers[choice];
  return made === undefined ? null : { ...made, score, round };
}

function toOutput(outcome: ProposalOutput['outcome'], context: ProposalContext): ProposalOutput | null {
  if (context.best === null) return null;
  const { offer, proposer, score } = context.best;
  const { round, refused, expired, failed, missing } = context;
  return { outcome, offer, proposer, score, rounds: round, refused, expired, failed, missing };
}

/** Who competes, who judges, and how long. Times are in ms. */
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
 * Makes a machine in which agents compete with offers and a critic chooses. Its feedback goes into the next round until an offer is good
 * enough or the rounds are over. docs/patterns.md has its drawing, and what proposers and critic are asked.
 *
 * The machine's input is `{ request }`. It ends with an output, or with status 'error', for the parent's `onError`, when the critic
 * fails, answers what is no choice, or no round brought enough offers: there is nothing then that an output could truthfully hold.
 *
 * @throws CONFIG_INVALID for options that cannot work.
 * @example
 * ```ts
 * export const headline = proposal<Request, string, string>({
 *   proposers: ['bold', 'sober'],
 *   critic: 'editor',
 *   rounds: 3,
 *   acceptAt: 0.8,
 *   offerTtlMs: 60_000,
 *   deadlineMs: 30_000,
 * });
 * ```
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
      notePartial: assign(({ context, event }) => notePartial(context, event, proposers)),
      takeOffers: assign(({ context, event }) => takeOffers(context, outputOf(event) as GatherOutput)),
      accept: assign(({ context, event }) => accept(context, outputOf(event) as CriticAnswer)),
      refuse: assign(({ context, event }) => refuse(context, outputOf(event) as CriticAnswer)),
      nextRound: assign(({ context }) => nextRound(context)),
      escalate: sendTo(
        ({ self }): AnyActorRef => self,
        (_, error: Escalation) => toEscalation(error),
      ),
    },
    guards: {
      enoughOffers: ({ event }) => (outputOf(event) as GatherOutput).ok >= atLeast,
      roundsLeft: ({ context }) => context.round < rounds,
      nothingSoFar: ({ context }) => context.best === null,
      noChoice: ({ context, event }) => !isUsable(outputOf(event), context),
      goodEnough: ({ event }) => isGoodEnough(outputOf(event) as CriticAnswer, acceptAt),
    },
  }).createMachine({
    id,
    // Also called without input, when a snapshot is restored.
    context: ({ input }) => newProposal((input as { request?: Json } | undefined)?.request ?? null),
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
        output: ({ context }) => toOutput('accepted', context),
      },
      exhausted: {
        type: 'final',
        tags: 'rounds-exhausted',
        output: ({ context }) => toOutput('rounds-exhausted', context),
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
  const invalid = (why: string): never => {
    throw new QuorateError('CONFIG_INVALID', `${id}: ${why}`);
  };
  if (proposers.length < 2 || proposers.length > MAX_PROPOSERS)
    invalid(`proposers: name 2 to ${MAX_PROPOSERS} agents`);
  if (new Set<string>([...proposers, critic]).size !== proposers.length + 1)
    invalid('proposers and critic: name each agent once');
  if (!Number.isInteger(rounds) || rounds < 1) invalid('rounds: at least 1');
  if (!Number.isInteger(atLeast) || atLeast < 1 || atLeast > proposers.length)
    invalid('atLeast: 1 to the number of proposers');
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
