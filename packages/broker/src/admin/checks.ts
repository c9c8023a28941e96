/** What the service refuses in a description although each of its values is well formed. */
import { targetPath } from '../core/departures.ts';
import type { Namespace } from '../core/namespace.ts';
import { entityKey, SUBSCRIPTIONS } from '../core/plan.ts';
import { compileRule } from '../core/rules.ts';
import { SqlError } from '../sql/ast.ts';
import type { Forwarding, RuleDescription } from '../topology.ts';
import { adminErrors } from './admin-errors.ts';
import { LIMITS } from './fields.ts';

/** The settings that an update cannot change; left out, they stay. */
const FIXED = [
  ['requiresSession', 'RequiresSession'],
  ['requiresDuplicateDetection', 'RequiresDuplicateDetection'],
  ['enablePartitioning', 'EnablePartitioning'],
] as const;

type Fixed = { [Name in (typeof FIXED)[number][0]]?: boolean };

export function checkUnchanged<D extends object>(
  kind: 'Queue' | 'Topic' | 'Subscription',
  known: D & Fixed,
  wanted: D & Fixed,
): D {
  const kept: Fixed = {};
  for (const [name, element] of FIXED) {
    const before = known[name] ?? false;
    if ((wanted[name] ?? before) !== before) {
      throw adminErrors.badRequest(
        name === 'enablePartitioning'
          ? `Partitioning cannot be changed for ${kind}.`
          : `The value for the ${element} property of an existing ${kind} cannot be changed.`,
      );
    }
    if (known[name] !== undefined) kept[name] = before;
  }
  return { ...wanted, ...kept };
}

/** Forwarding leads to a queue or topic that exists, or back: there messages end as dead letters after four hops. */
export function checkForwarding(namespace: Namespace, path: string, of: Forwarding): void {
  const [home] = entityKey(path).split(entityKey(SUBSCRIPTIONS));
  for (const address of [of.forwardTo, of.forwardDeadLetteredMessagesTo]) {
    const target = targetPath(address);
    if (target === undefined) continue;
    if (entityKey(target) === home) {
      if (address === of.forwardTo) continue;
      throw adminErrors.badRequest(`Dead letters of '${path}' cannot be forwarded to itself.`);
    }
    if (!namespace.destination(target)) {
      throw adminErrors.badRequest(`The auto-forwarding destination entity '${target}' does not exist.`);
    }
  }
}

/** The standard tier has one size, and premium sizes begin where it ends. */
export function checkMessageSize({ limits }: Namespace, kilobytes: number | undefined): void {
  if (kilobytes === undefined) return;
  if (limits.tier !== 'premium') {
    if (kilobytes === LIMITS.standardKilobytes) return;
    throw adminErrors.badRequest(
      `The value for 'MaxMessageSizeInKilobytes' must be ${LIMITS.standardKilobytes} in the standard tier, and is ${kilobytes}.`,
    );
  }
  const [min, max] = LIMITS.premiumKilobytes;
  if (kilobytes < min || kilobytes > max) {
    throw adminErrors.badRequest(
      `The value for 'MaxMessageSizeInKilobytes' must be between ${min} and ${max}, and is ${kilobytes}.`,
    );
  }
}

/** Its filter and its action can be parsed. */
export function checkRule(rule: RuleDescription): void {
  try {
    compileRule(rule);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw adminErrors.badRequest(`The rule's expression is invalid: ${error.message}`);
  }
}
