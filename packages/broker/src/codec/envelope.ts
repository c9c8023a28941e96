// What the broker needs to know of an encoded message, read where it lies: the message itself is never decoded.
import { eachSection, listFields, type Sections, scanSections } from './sections.ts';
import { eachPair, readCompound, readScalar, type Scalar, UUID } from './values.ts';

/** Places in the list of the properties section. */
export const PROPERTY_FIELD = {
  messageId: 0,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  sessionId: 10,
  replyToSessionId: 12,
} as const;
/** Places in the list of the header section. */
export const HEADER_FIELD = { durable: 0, ttl: 2 } as const;
export const ABSOLUTE_EXPIRY_TIME = 8;
const CREATION_TIME = 9;
/** A header holds 49 days; clients say with two times what is longer. */
const MAX_TTL = 0xffff_ffff;

/** What the broker needs to know of an encoded message, read where it lies. */
export class Envelope {
  readonly bytes: Buffer;
  readonly sections: Sections;
  readonly ttlMs: number | undefined;
  /** 0 = at once. */
  readonly scheduledAt: number;
  readonly durable: boolean;
  readonly #properties: number[];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.sections = scanSections(bytes);
    this.#properties = listFields(bytes, this.sections.properties);
    const header = listFields(bytes, this.sections.header);
    const ttl = this.#scalar(header[HEADER_FIELD.ttl]);
    this.ttlMs = typeof ttl === 'number' ? (ttl === MAX_TTL ? this.#longTtl() : ttl) : undefined;
    this.durable = this.#scalar(header[HEADER_FIELD.durable]) === true;
    const scheduled = this.annotation('x-opt-scheduled-enqueue-time');
    this.scheduledAt = Number.isSafeInteger(scheduled) ? Math.max(Number(scheduled), 0) : 0;
  }

  /** Throws when a body section is broken, so that no receiver ever meets one. */
  checkBody(): void {
    const sections = eachSection(this.bytes, this.sections.bodyStart);
    while (!sections.next().done);
  }

  /** Bytes of the message besides its body. */
  get headerBytes(): number {
    const { header, annotations, properties, applicationProperties } = this.sections;
    let bytes = 0;
    for (const section of [header, annotations, properties, applicationProperties]) {
      if (section) bytes += section.end - section.start;
    }
    return bytes;
  }

  get messageId(): string | undefined {
    return this.text('messageId');
  }

  get sessionId(): string | undefined {
    return this.text('sessionId');
  }

  text(field: keyof typeof PROPERTY_FIELD): string | undefined {
    const at = this.#properties[PROPERTY_FIELD[field]];
    const value = this.#scalar(at);
    if (value === null || value === undefined) return undefined;
    if (!Buffer.isBuffer(value)) return String(value);
    return at !== undefined && this.bytes[at] === UUID ? uuidText(value) : value.toString('hex');
  }

  #scalar(at: number | undefined): Scalar | undefined {
    return at === undefined ? undefined : readScalar(this.bytes, at);
  }

  #longTtl(): number {
    const [expiry, creation] = [ABSOLUTE_EXPIRY_TIME, CREATION_TIME].map((field) =>
      this.#scalar(this.#properties[field]),
    );
    if (typeof expiry !== 'number' || typeof creation !== 'number') return MAX_TTL;
    return Math.max(expiry - creation, MAX_TTL);
  }

  annotation(name: string): Scalar | undefined {
    const section = this.sections.annotations;
    if (!section) return undefined;
    let found: Scalar | undefined;
    eachPair(this.bytes, readCompound(this.bytes, section.valueAt), (key, valueAt) => {
      if (key === name) found = readScalar(this.bytes, valueAt);
    });
    return found;
  }

  applicationProperties<V>(read: (bytes: Buffer, at: number, end: number) => V): Map<string, V> {
    const found = new Map<string, V>();
    const section = this.sections.applicationProperties;
    if (section) {
      eachPair(this.bytes, readCompound(this.bytes, section.valueAt), (key, valueAt, _start, end) => {
        found.set(key, read(this.bytes, valueAt, end));
      });
    }
    return found;
  }
}

export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
