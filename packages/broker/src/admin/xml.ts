/** The border to the XML library. */
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';

/** An element to write: `@name` is an attribute, `#` the text, undefined is left out, a list repeats its element. */
export type Element = { [name: string]: Element | Element[] | string | number | boolean | undefined };

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const builder = new XMLBuilder({
  attributeNamePrefix: '@',
  attributeValueProcessor: (_, value) => escaped(String(value)),
  tagValueProcessor: (_, value) => escaped(String(value)),
  processEntities: false,
  ignoreAttributes: false,
  suppressBooleanAttributes: false,
  suppressEmptyNode: true,
  textNodeName: '#',
});

const parser = new XMLParser({
  attributeNamePrefix: '@',
  /** Without it numeric references stay as they are: Go's encoder writes an apostrophe as `&#39;`. */
  htmlEntities: true,
  ignoreAttributes: false,
  parseAttributeValue: false,
  parseTagValue: false,
  removeNSPrefix: true,
  textNodeName: '#',
  trimValues: false,
});

/** Escapes as the service does: an apostrophe stays one. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}

export function toXml(root: Element): string {
  return `<?xml version="1.0" encoding="utf-8"?>${builder.build(withoutGaps(root))}`;
}

function withoutGaps(element: Element): Element {
  const kept: Element = {};
  for (const [name, value] of Object.entries(element)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) kept[name] = value.map(withoutGaps);
    else kept[name] = typeof value === 'object' ? withoutGaps(value) : String(value);
  }
  return kept;
}

/** A parsed element; prefixes are gone from its names. */
export class Node {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  child(name: string): Node | undefined {
    return this.children(name)[0];
  }

  children(name: string): Node[] {
    const found = this.#field(name);
    if (found === undefined) return [];
    return (Array.isArray(found) ? found : [found]).map((value) => new Node(value));
  }

  attribute(name: string): string | undefined {
    const value = this.#field(`@${name}`);
    return typeof value === 'string' ? value : undefined;
  }

  /** What stands inside, or undefined for an element that is missing or marked nil. */
  text(name: string): string | undefined {
    const child = this.child(name);
    return child?.attribute('nil') === 'true' ? undefined : child?.content();
  }

  content(): string {
    if (typeof this.#value === 'string') return this.#value;
    const text = this.#field('#');
    return typeof text === 'string' ? text : '';
  }

  #field(name: string): unknown {
    if (typeof this.#value !== 'object' || this.#value === null) return undefined;
    return Object.hasOwn(this.#value, name) ? (this.#value as Record<string, unknown>)[name] : undefined;
  }
}

/** Parses XML; undefined for anything else. Entity declarations are refused. */
export function parseXml(text: string): Node | undefined {
  if (text.includes('<!DOCTYPE') || XMLValidator.validate(text) !== true) return undefined;
  return new Node(parser.parse(text));
}
