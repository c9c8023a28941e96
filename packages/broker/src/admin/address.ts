// What a URL of the administration API names, and what an entity may be called.
import { adminErrors } from './admin-errors.ts';

/** What a URL of the administration API names. */
export type Address =
  | { kind: 'namespace' }
  | { kind: 'queues' }
  | { kind: 'topics' }
  | { kind: 'subscriptions'; topic: string }
  | { kind: 'rules'; topic: string; subscription: string }
  | { kind: 'entity'; path: string }
  | { kind: 'subscription'; topic: string; name: string }
  | { kind: 'rule'; topic: string; subscription: string; name: string };

const RULE = /^(.+)\/subscriptions\/([^/]+)\/rules\/([^/]+)$/i;
const RULES = /^(.+)\/subscriptions\/([^/]+)\/rules$/i;
const SUBSCRIPTION = /^(.+)\/subscriptions\/([^/]+)$/i;
const SUBSCRIPTIONS = /^(.+)\/subscriptions$/i;

export function parseAddress(pathname: string): Address {
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '');
  switch (path.toLowerCase()) {
    case '$namespaceinfo':
      return { kind: 'namespace' };
    case '$resources/queues':
      return { kind: 'queues' };
    case '$resources/topics':
      return { kind: 'topics' };
  }
  const [, ruleTopic, ruleSubscription, rule] = RULE.exec(path) ?? [];
  if (ruleTopic && ruleSubscription && rule) {
    return { kind: 'rule', topic: ruleTopic, subscription: ruleSubscription, name: rule };
  }
  const [, rulesTopic, rulesSubscription] = RULES.exec(path) ?? [];
  if (rulesTopic && rulesSubscription) {
    return { kind: 'rules', topic: rulesTopic, subscription: rulesSubscription };
  }
  const [, topic, name] = SUBSCRIPTION.exec(path) ?? [];
  if (topic && name) return { kind: 'subscription', topic, name };
  const [, listed] = SUBSCRIPTIONS.exec(path) ?? [];
  return listed ? { kind: 'subscriptions', topic: listed } : { kind: 'entity', path };
}

const MAX_PATH = 260;
const MAX_NAME = 50;
/** Letters, digits, periods, hyphens, underscores and slashes; a letter or a digit at both ends. */
const PATH = /^[A-Za-z0-9]$|^[A-Za-z0-9][\w./~-]*[A-Za-z0-9]$/;
const NAME = /^[A-Za-z0-9$_]$|^[A-Za-z0-9$_][\w.-]*$/;

/** The name of a queue or topic. */
export function checkPath(path: string): void {
  if (path.length > MAX_PATH) throw tooLong(path, MAX_PATH);
  if (!PATH.test(path) || path.includes('//')) throw invalid(path);
}

/** The name of a subscription or rule. */
export function checkName(name: string): void {
  if (name.length > MAX_NAME) throw tooLong(name, MAX_NAME);
  if (!NAME.test(name)) throw invalid(name);
}

function tooLong(name: string, limit: number) {
  return adminErrors.badRequest(
    `The specified name '${name.slice(0, limit)}...' exceeds the ${limit} character limit.`,
  );
}

function invalid(name: string) {
  return adminErrors.badRequest(`The specified name '${name}' contains characters that are not allowed.`);
}
