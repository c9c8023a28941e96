import { eachSection, listFields, type Sections, scanSections } from './sections.ts';
import { eachPair, readCompound, readScalar, type Scalar } from './values.ts';

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
const HEADER_TTL = 2;

/** What the broker needs to know of an encoded message, read where it lies. */
export class Envelope {
  readonly bytes: Buffer;
  readonly sections: Sections;
  readonly ttlMs: number | undefined;
  /** 0 = at once. */
  readonly scheduledAt: number;
  readonly #properties: number[];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.sections = scanSections(bytes);
    this.#properties = listFields(bytes, this.sections.properties);
    const ttlAt = listFields(bytes, this.sections.header)[HEADER_TTL];
    const ttl = ttlAt === undefined ? null : readScalar(bytes, ttlAt);
    this.ttlMs = typeof ttl === 'number' ? ttl : undefined;
    const scheduled = this.annotation('x-opt-scheduled-enqueue-time');
    this.scheduledAt = typeof scheduled === 'number' ? scheduled : 0;
  }

  /** Throws when a body section is broken, so that no receiver ever meets one. */
  checkBody(): void {
    const sections = eachSection(this.bytes, this.sections.bodyStart);
    while (!sections.next().done);
  }

  get messageId(): string | undefined {
    return this.text('messageId');
  }

  get sessionId(): string | undefined {
    return this.text('sessionId');
  }

  text(field: keyof typeof PROPERTY_FIELD): string | undefined {
    const at = this.#properties[PROPERTY_FIELD[field]];
    const value = at === undefined ? null : readScalar(this.bytes, at);
    if (value === null || value === undefined) return undefined;
    return Buffer.isBuffer(value) ? value.toString('hex') : String(value);
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

  applicationProperties(): Map<string, Scalar | undefined> {
    const found = new Map<string, Scalar | undefined>();
    const section = this.sections.applicationProperties;
    if (section) {
      eachPair(this.bytes, readCompound(this.bytes, section.valueAt), (key, valueAt) => {
        found.set(key, readScalar(this.bytes, valueAt));
      });
    }
    return found;
  }
}
