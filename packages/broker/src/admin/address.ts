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
