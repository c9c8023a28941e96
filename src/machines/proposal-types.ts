// What a proposal, its proposers and its critic say to each other, and what is known of it while it runs.
import type { Json } from '../contract/json.ts';
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
