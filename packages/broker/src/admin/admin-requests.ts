// One administration request, step by step: create, change, read, list or delete one entity. With `If-Match` what is
// there is changed, not created.
import type { KeptEntity, Namespace } from '../core/namespace.ts';
import type { Access } from './access.ts';
import { type Address, parseAddress } from './address.ts';
import { adminErrors } from './admin-errors.ts';
import { emptyFeed, entryDocument, feedDocument, type Resource, type Site } from './atom.ts';
import { Catalog } from './catalog.ts';
import { namespaceResource, resourceOf, ruleResource, subscriptionPath } from './resources.ts';
import { type Node, parseXml } from './xml.ts';

const DEFAULT_PAGE = 100;

interface AdminRequest {
  readonly method: string;
  readonly url: URL;
  readonly site: Site;
  readonly body: string;
  /** `If-Match` is set: what is there is to be changed, not created. */
  readonly update: boolean;
  readonly access: Access;
}

interface AdminResponse {
  readonly status: number;
  readonly body: string;
}

/** One request of the administration API; throws an AdminError to refuse it. */
export function answerAdmin(namespace: Namespace, startedAt: number, request: AdminRequest): AdminResponse {
  const { method, site } = request;
  const address = parseAddress(request.url.pathname);
  const catalog = new Catalog(namespace, request.access);
  switch (method) {
    case 'GET': {
      if (address.kind === 'namespace')
        return entry(site, namespaceResource(site, startedAt, namespace.limits.tier));
      const listed = list(catalog, namespace, site, address);
      if (listed) return page(request, listed);
      const found = get(catalog, namespace, site, address);
      if (found) return entry(site, found);
      // A queue or topic that is missing is an empty list to the service; the client for Java takes that for nothing else.
      if (address.kind !== 'entity') throw adminErrors.notFound(request.url.pathname.slice(1));
      return { status: 200, body: emptyFeed(site, request.url.pathname.slice(1)) };
    }
    case 'PUT':
      return entry(site, put(catalog, namespace, request, address), request.update ? 200 : 201);
    case 'DELETE':
      remove(catalog, address);
      return { status: 200, body: '' };
    default:
      throw adminErrors.methodNotAllowed(method);
  }
}

function get(catalog: Catalog, namespace: Namespace, site: Site, address: Address): Resource | undefined {
  if (address.kind === 'rule') {
    const subscription = subscriptionOf(catalog, address);
    const rule = catalog.rule(subscription, address.name);
    return rule && ruleResource(subscription, rule);
  }
  const found =
    address.kind === 'subscription'
      ? catalog.subscription(topicOf(catalog, address.topic).path, address.name)
      : address.kind === 'entity'
        ? catalog.entity(address.path)
        : undefined;
  return found && resourceOf(namespace, site, found);
}

function list(catalog: Catalog, namespace: Namespace, site: Site, address: Address): Resource[] | undefined {
  const resources = (entities: KeptEntity[]) => entities.map((each) => resourceOf(namespace, site, each));
  switch (address.kind) {
    case 'queues':
      return resources(catalog.list('queue'));
    case 'topics':
      return resources(catalog.list('topic'));
    case 'subscriptions':
      return resources(catalog.list('subscription', topicOf(catalog, address.topic).path));
    case 'rules': {
      const subscription = subscriptionOf(catalog, address);
      return catalog.rules(subscription).map((rule) => ruleResource(subscription, rule));
    }
    default:
      return undefined;
  }
}

function put(catalog: Catalog, namespace: Namespace, request: AdminRequest, address: Address): Resource {
  const content = parseXml(request.body)?.child('entry')?.child('content');
  if (!content) throw adminErrors.badRequest('The body is not an Atom entry with content.');
  return putContent(catalog, namespace, request, address, content);
}

function putContent(
  catalog: Catalog,
  namespace: Namespace,
  { site, update }: AdminRequest,
  address: Address,
  content: Node,
): Resource {
  switch (address.kind) {
    case 'entity':
      return resourceOf(namespace, site, catalog.putEntity(address.path, content, update));
    case 'subscription':
      return resourceOf(
        namespace,
        site,
        catalog.putSubscription(address.topic, address.name, content, update),
      );
    case 'rule': {
      const subscription = subscriptionOf(catalog, address);
      return ruleResource(subscription, catalog.putRule(subscription, address.name, content, update));
    }
    default:
      throw adminErrors.methodNotAllowed('PUT');
  }
}

function remove(catalog: Catalog, address: Address): void {
  switch (address.kind) {
    case 'entity': {
      const found = catalog.entity(address.path);
      if (!found) throw adminErrors.notFound(address.path);
      return catalog.remove(found.path);
    }
    case 'subscription':
      return catalog.remove(subscriptionOf(catalog, { ...address, subscription: address.name }).path);
    case 'rule': {
      const subscription = subscriptionOf(catalog, address);
      if (!catalog.rule(subscription, address.name)) throw adminErrors.notFound(address.name);
      return catalog.removeRule(subscription, address.name);
    }
    default:
      throw adminErrors.methodNotAllowed('DELETE');
  }
}

function topicOf(catalog: Catalog, path: string): KeptEntity {
  const topic = catalog.entity(path);
  if (topic?.kind !== 'topic') throw adminErrors.notFound(path);
  return topic;
}

function subscriptionOf(
  catalog: Catalog,
  { topic, subscription }: { topic: string; subscription: string },
): KeptEntity {
  const found = catalog.subscription(topic, subscription);
  if (!found) throw adminErrors.notFound(subscriptionPath(topic, subscription));
  return found;
}

function entry(site: Site, resource: Resource, status = 200): AdminResponse {
  return { status, body: entryDocument(site, resource) };
}

function page({ url, site }: AdminRequest, all: readonly Resource[]): AdminResponse {
  const skip = count(url, '$skip', 0);
  const top = count(url, '$top', DEFAULT_PAGE);
  const resources = all.slice(skip, skip + Math.min(top, DEFAULT_PAGE));
  const more = skip + resources.length < all.length && resources.length > 0;
  const path = decodeURIComponent(url.pathname.slice(1));
  return { status: 200, body: feedDocument(site, { path, resources, skip, top, more }) };
}

function count(url: URL, name: string, otherwise: number): number {
  const text = url.searchParams.get(name);
  if (text === null || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) {
    throw adminErrors.badRequest(`The value '${text}' of ${name} is not a whole number.`);
  }
  return value;
}
