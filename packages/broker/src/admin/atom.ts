// Atom feeds and entries, in which the administration API wraps its documents. Links in them point back the way the
// client came.
import { type Element, toXml } from './xml.ts';

const ATOM = 'http://www.w3.org/2005/Atom';
const SERVICE_BUS = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const SCHEMA_INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';

/** How the client reached the broker: documents point back the same way. */
export interface Site {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly apiVersion: string;
}

/** One entity as a document. */
export interface Resource {
  /** The path as clients read names from it: with `Subscriptions` and `Rules` in this spelling. */
  readonly path: string;
  /** The name of a queue or topic with its slashes, of anything else the last part: Python's client reads it from here. */
  readonly title: string;
  readonly root: string;
  readonly content: Element;
  readonly createdAt: number;
  readonly modifiedAt: number;
}

export function entryDocument(site: Site, resource: Resource): string {
  return toXml({ entry: { '@xmlns': ATOM, ...entry(site, resource) } });
}

export interface Page {
  /** The list's own path. */
  readonly path: string;
  readonly resources: readonly Resource[];
  readonly skip: number;
  readonly top: number;
  readonly more: boolean;
}

/** Two links or more when there is a next page: clients look for a list of them. */
export function feedDocument(site: Site, page: Page): string {
  const url = (skip: number) => `${urlOf(site, page.path)}&$skip=${skip}&$top=${page.top}`;
  const links: Element[] = [{ '@rel': 'self', '@href': urlOf(site, page.path) }];
  if (page.more) links.push({ '@rel': 'next', '@href': url(page.skip + page.resources.length) });
  return toXml({
    feed: {
      '@xmlns': ATOM,
      title: { '@type': 'text', '#': page.path },
      id: urlOf(site, page.path),
      updated: new Date().toISOString(),
      link: links,
      entry: page.resources.map((resource) => entry(site, resource)),
    },
  });
}

/** What the service answers to a GET of an entity that is not there. */
export function emptyFeed(site: Site, path: string): string {
  return toXml({
    feed: {
      '@xmlns': ATOM,
      title: { '@type': 'text', '#': 'Publicly Listed Services' },
      id: urlOf(site, path),
      updated: new Date().toISOString(),
      link: { '@rel': 'self', '@href': urlOf(site, path) },
      generator: 'Service Bus 1.1',
    },
  });
}

function entry(site: Site, { path, title, root, content, createdAt, modifiedAt }: Resource): Element {
  return {
    id: urlOf(site, path),
    title: { '@type': 'text', '#': title },
    published: new Date(createdAt).toISOString(),
    updated: new Date(modifiedAt).toISOString(),
    author: { name: site.host },
    link: { '@rel': 'self', '@href': urlOf(site, path) },
    content: {
      '@type': 'application/xml',
      [root]: { '@xmlns': SERVICE_BUS, '@xmlns:i': SCHEMA_INSTANCE, ...content },
    },
  };
}

function urlOf({ scheme, host, apiVersion }: Site, path: string): string {
  return `${scheme}://${host}/${path}?api-version=${apiVersion}`;
}
