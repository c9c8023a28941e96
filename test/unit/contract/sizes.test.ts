import { array, assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutText,
  headerBytes,
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
  MAX_KEY_LENGTH,
  MAX_SEND_BYTES,
  writtenTextBytes,
} from '../../../src/contract/sizes.ts';
import type { WireMessage } from '../../../src/contract/wire.ts';

/** What the Standard tier takes, all told. */
const TIER_BYTES = 256 * 1024;
/** One of each way in which JSON and UTF-8 write a character, a lone half of a pair among them. */
const texts = (maxLength: number) =>
  array(constantFrom('a', '"', '\\', '\n', '\u0001', 'é', '€', '😀', '\ud800'), { maxLength }).map(
    (characters) => characters.join(''),
  );
const written = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

describe('the sizes', () => {
  it('leave room: whatever may be made can be sent, scheduled and copied', () => {
    // A batch repeats the headers of its first message.
    expect(MAX_BODY_BYTES + 2 * MAX_HEADER_BYTES).toBeLessThan(MAX_SEND_BYTES);
    expect(MAX_SEND_BYTES).toBeLessThan(TIER_BYTES);
    expect(3 * MAX_KEY_LENGTH).toBeLessThan(MAX_HEADER_BYTES);
  });

  it('cut a text to what its JSON may take, and never in the middle of a character', () => {
    assert(
      property(texts(60), integer({ min: 3, max: 80 }), (text, max) => {
        expect(writtenTextBytes(text)).toBe(written(text));
        const cut = cutText(text, max);
        expect(written(cut)).toBeLessThanOrEqual(max);
        if (written(text) <= max) expect(cut).toBe(text);
        else {
          expect(cut.endsWith('…')).toBe(true);
          expect(text.startsWith(cut.slice(0, -1))).toBe(true);
          if (text.isWellFormed()) expect(cut.isWellFormed()).toBe(true);
          // No more than one character and the ellipsis short of what fits.
          expect(written(cut)).toBeGreaterThan(max - 9);
        }
      }),
    );
  });

  it('count every byte of ids and properties', () => {
    const message: WireMessage = { entity: 'q', messageId: 'é', subject: 'event', body: null };
    const bare = headerBytes(message);
    const text = texts(40).map((one) => one.replaceAll('\ud800', ''));
    assert(
      property(text, text, (id, value) => {
        const more = headerBytes({ ...message, sessionId: id, properties: { p: value } }) - bare;
        expect(more).toBe(Buffer.byteLength(id) + Buffer.byteLength(value) + 1 + 8);
      }),
    );
  });
});
