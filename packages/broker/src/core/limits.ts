/** What the service's tiers allow (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas). */
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
