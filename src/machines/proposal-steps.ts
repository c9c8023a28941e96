// What a proposal, its proposers and its critic say to each other, what is known of it while it runs, and what each answer does to
// that: pure functions, so that the machine in proposal.ts is only its shape.
import type { Json } from '../contract/json.ts';
import type { GatherOutput } from '../contract/scatter.ts';
import type { PatternMachine } from './pattern-machine.ts';

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

export interface MadeOffer<Offer = Json> {
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
export interface RefusedOffer {
  readonly round: number;
  readonly proposer: string;
  readonly score: number;
}

/** Offers that never reached the critic. */
export interface LostOffers {
  /** Lapsed before they were taken. */
  readonly expired: number;
  /** The proposer failed. */
  readonly failed: number;
  /** Not there when the round's time was over. */
  readonly missing: number;
}

export interface BestOffer<Offer = Json> extends MadeOffer<Offer> {
  readonly score: number;
  readonly round: number;
}

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
export interface OfferPartial {
  readonly type: 'quorate.partial.offers';
  readonly seq: number;
  readonly branch: number;
  readonly value: Json;
}

export type ProposalMachine<Request = Json, Offer = Json, Feedback = Json> = PatternMachine<{
  context: ProposalContext<Request, Offer, Feedback>;
  event: OfferPartial;
  value: 'proposing' | 'judging' | 'accepted' | 'exhausted' | 'withoutOffer' | 'withoutVerdict';
  tag: 'accepted' | 'rounds-exhausted';
  input: { readonly request: Request };
  output: ProposalOutput<Offer>;
}>;

export function newProposal(request: Json): ProposalContext {
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

/** The next round's question goes out with what is known by then. */
export function nextRound(context: ProposalContext): Partial<ProposalContext> {
  return { round: context.round + 1, offers: [], partials: { ...context.partials, last: {} } };
}

export function notePartial(
  { partials }: ProposalContext,
  { branch, seq, value }: OfferPartial,
  proposers: readonly string[],
): Partial<ProposalContext> {
  const proposer = proposers[branch];
  if (proposer === undefined) return {};
  return { partials: { count: partials.count + 1, last: { ...partials.last, [proposer]: { seq, value } } } };
}

export function takeOffers(context: ProposalContext, gathered: GatherOutput): Partial<ProposalContext> {
  const expired = gathered.errors.filter(({ error }) => error.code === 'OFFER_EXPIRED').length;
  return {
    offers: gathered.values.map(({ agent, value }) => ({ proposer: agent, offer: value })),
    expired: context.expired + expired,
    failed: context.failed + gathered.failed - expired,
    missing: context.missing + gathered.missing,
  };
}

/** A critic is an agent, often a model: what it answers is checked before it decides anything. */
export function isUsable(answer: unknown, { offers }: ProposalContext): answer is CriticAnswer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { choice, score } = answer as Partial<CriticAnswer>;
  return Number.isInteger(choice) && Number.isFinite(score) && offers[choice as number] !== undefined;
}

export function isGoodEnough({ score, accepted }: CriticAnswer, acceptAt: number): boolean {
  return accepted === true || score >= acceptAt;
}

export function accept(context: ProposalContext, answer: CriticAnswer): Partial<ProposalContext> {
  return { best: chosen(context, answer), offers: [] };
}

/** Of equal scores the later one stays: it has answered the feedback. */
export function refuse(context: ProposalContext, answer: CriticAnswer): Partial<ProposalContext> {
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

export function toOutput(
  outcome: ProposalOutput['outcome'],
  context: ProposalContext,
): ProposalOutput | null {
  if (context.best === null) return null;
  const { offer, proposer, score } = context.best;
  const { round, refused, expired, failed, missing } = context;
  return { outcome, offer, proposer, score, rounds: round, refused, expired, failed, missing };
}
