// What each answer does to a proposal's context: pure functions, so that the machine beside them is only its shape.
import type { Json } from '../contract/json.ts';
import type { GatherOutput } from '../contract/scatter.ts';
import type {
  BestOffer,
  CriticAnswer,
  OfferPartial,
  ProposalContext,
  ProposalOutput,
} from './proposal-types.ts';

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
