/** What the service refuses in a description although each of its values is well formed. */
import type { Namespace } from '../core/namespace.ts';
import { entityKey, SUBSCRIPTIONS } from '../core/plan.ts';
import { compileRule } from '../core/rules.ts';
import { SqlError } from '../sql/ast.ts';
import type { QueueDescription, RuleDescription, SubscriptionDescription } from '../topology.ts';
import { adminErrors } from './errors.ts';

/** The settings that an update cannot change; left out, they stay. */
const FIXED = ['requiresSession', 'requiresDuplicateDetection', 'enablePartitioning'] as const;

type Fixed = { [Name in (typeof FIXED)[number]]?: boolean };

export function checkUnchanged<D extends object>(known: D & Fixed, wanted: D & Fixed): D {
  const kept: Fixed = {};
  for (const name of FIXED) {
    const before = known[name] ?? false;
    if ((wanted[name] ?? before) !== before) {
      throw adminErrors.badRequest(
        `The value for the ${name} property of an existing entity cannot be changed.`,
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
  of: QueueDescription | SubscriptionDescription,
): void {
  if (of.forwardTo !== undefined && of.requiresSession) {
    throw adminErrors.badRequest('Auto-forwarding is not supported for an entity that requires sessions.');
  }
  for (const target of [of.forwardTo, of.forwardDeadLetteredMessagesTo]) {
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

/** Its filter and its action can be parsed. */
export function checkRule(rule: RuleDescription): void {
  try {
    compileRule(rule);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw adminErrors.badRequest(`The rule's expression is invalid: ${error.message}`);
  }
}
