/** What the service refuses in a description although each of its values is well formed. */

import { targetPath } from '../core/forwarding.ts';
import type { Namespace } from '../core/namespace.ts';
import { entityKey, SUBSCRIPTIONS } from '../core/plan.ts';
import { compileRule } from '../core/rules.ts';
import { SqlError } from '../sql/ast.ts';
import type { Forwarding, RuleDescription } from '../topology.ts';
import { adminErrors } from './errors.ts';
import { LIMITS } from './limits.ts';

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

/** Forwarding leads to another queue or topic that exists, and never out of sessions. */
export function checkForwarding(
  namespace: Namespace,
  path: string,
  of: Forwarding & { requiresSession?: boolean },
): void {
  if (of.forwardTo !== undefined && of.requiresSession) {
    throw adminErrors.badRequest('Auto-forwarding is not supported for an entity that requires sessions.');
  }
  for (const address of [of.forwardTo, of.forwardDeadLetteredMessagesTo]) {
    const target = targetPath(address);
    if (target === undefined) continue;
    const [topic] = entityKey(path).split(entityKey(SUBSCRIPTIONS));
    if (entityKey(target) === topic) {
      throw adminErrors.badRequest(`Auto-forwarding from '${path}' to itself is not allowed.`);
    }
    if (!namespace.destination(target)) {
      throw adminErrors.badRequest(`The auto-forwarding destination entity '${target}' does not exist.`);
    }
  }
}

/** Premium sizes begin where those of the standard tier end. */
export function checkMessageSize({ limits }: Namespace, kilobytes: number | undefined): void {
  const [min, max] = LIMITS.premiumKilobytes;
  if (limits.tier !== 'premium' || kilobytes === undefined) return;
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
