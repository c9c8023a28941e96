// What a proposal is configured with, checked where it is written: in the module that makes the machine.
import { QuorateError } from '../contract/errors.ts';
import { MAX_GATHER_ERRORS } from '../contract/scatter.ts';

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

/** A gather names its first errors only: with more proposers some lost offers could not be told apart. */
const MAX_PROPOSERS = MAX_GATHER_ERRORS;

export function checkProposalOptions(
  id: string,
  { proposers, critic, rounds, atLeast = 1 }: ProposalOptions,
): void {
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
