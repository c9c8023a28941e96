// What the service's tiers allow (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas): sizes, and credits a second.
import { type ServiceError, serviceErrors } from '../errors.ts';

export type Tier = 'standard' | 'premium';

const KB = 1024;
const MB = 1024 * KB;

export interface Limits {
  readonly tier: Tier;
  /** No entity takes a larger message. */
  readonly messageBytes: number;
  /** What an entity takes that does not say. */
  readonly defaultMessageBytes: number;
  readonly batchBytes: number;
  readonly stateBytes: number;
}

const STANDARD: Limits = {
  tier: 'standard',
  messageBytes: 256 * KB,
  defaultMessageBytes: 256 * KB,
  batchBytes: 256 * KB,
  stateBytes: 256 * KB,
};
const PREMIUM: Limits = {
  tier: 'premium',
  messageBytes: 100 * MB,
  defaultMessageBytes: MB,
  batchBytes: MB,
  stateBytes: MB,
};

export function limitsOf(tier: Tier = 'standard', maxMessageBytes?: number): Limits {
  if (maxMessageBytes !== undefined) {
    const all = maxMessageBytes;
    return { tier, messageBytes: all, defaultMessageBytes: all, batchBytes: all, stateBytes: all };
  }
  return tier === 'premium' ? PREMIUM : STANDARD;
}

/** Credits a second, as a namespace of the standard tier has them; switched on to see how clients back off. */
export class Throttle {
  readonly #perSecond: number;
  readonly #now: () => number;
  #credits: number;
  #filledAt: number;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#credits = perSecond;
    this.#filledAt = now();
  }

  /** One credit an operation, or a message. */
  take(credits = 1): ServiceError | undefined {
    const now = this.#now();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#credits = Math.min(this.#perSecond, this.#credits + Math.max(earned, 0));
    this.#filledAt = now;
    // A batch larger than a second's credits passes when they are all there.
    if (this.#credits < Math.min(credits, this.#perSecond)) return serviceErrors.serverBusy();
    this.#credits = Math.max(this.#credits - credits, 0);
    return undefined;
  }
}
