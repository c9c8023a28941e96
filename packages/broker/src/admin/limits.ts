/** What the service allows; from "Service Bus quotas" and the reference of the management API. */
export const LIMITS = {
  lockMs: [1, 5 * 60_000],
  timeToLiveMs: [1000, Number.POSITIVE_INFINITY],
  duplicateWindowMs: [20_000, 7 * 86_400_000],
  autoDeleteMs: [5 * 60_000, Number.POSITIVE_INFINITY],
  deliveries: [1, 2000],
  megabytes: [1, 81_920],
  kilobytes: [1, Number.MAX_SAFE_INTEGER],
  standardKilobytes: 256,
  premiumKilobytes: [1024, 102_400],
} as const;

export const DEFAULTS = {
  lockDuration: 'PT1M',
  megabytes: 1024,
  deliveries: 10,
  duplicateWindow: 'PT10M',
} as const;
