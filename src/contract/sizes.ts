// How large things may be. Every layer that makes, keeps, schedules or sends them uses the same number: what one layer lets
// pass and the next refuses would be tried for ever.
import type { WireMessage } from './wire.ts';

/** Limit of a body as JSON text; a larger one goes through the payload store. Also the limit of one retry or schedule. */
export const MAX_BODY_BYTES = 192 * 1024;
/** Limit of all that a message has beside its body. The service takes 64 KB of properties; dead letters and copies add some. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** Limit of one request or batch; the Standard tier takes 256 KB. A batch repeats the headers of its first message. */
export const MAX_SEND_BYTES = 250 * 1024;
/** Limit of a value in the payload store: a runaway context ends here, and not in a full disk. */
export const MAX_CLAIM_BYTES = 32 * 1024 * 1024;
/** Limit of a caller's key, in characters: it travels as a property. */
export const MAX_KEY_LENGTH = 4_096;

/** Messages of one session in flight: how much backlog one batch of turns can fold (I12). */
export const SESSION_WINDOW = 64;

/** Sections, annotations and the names of fields. */
const FRAME_BYTES = 512;

/** At least what ids, addresses, trace context and properties take on the wire. */
export function headerBytes(message: Omit<WireMessage, 'body'>): number {
  const { messageId, sessionId, correlationId, replyTo, replyToSessionId, traceparent, properties } = message;
  let bytes = FRAME_BYTES;
  // The trace context travels under two names.
  for (const text of [
    messageId,
    sessionId,
    correlationId,
    replyTo,
    replyToSessionId,
    traceparent,
    traceparent,
  ])
    if (text !== undefined) bytes += utf8Bytes(text);
  for (const name in properties) {
    const value = properties[name];
    bytes += utf8Bytes(name) + (typeof value === 'string' ? utf8Bytes(value) : 8) + 8;
  }
  return bytes;
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Each half of a pair counts for 2 of its 4 bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** The text within so many bytes as JSON writes it, quotes left out; what was cut ends with an ellipsis. */
export function cutText(text: string, maxBytes: number): string {
  let bytes = 0;
  let fits = 0;
  for (const character of text) {
    bytes += writtenBytes(character);
    if (bytes > maxBytes) return `${text.slice(0, fits)}…`;
    if (bytes <= maxBytes - ELLIPSIS_BYTES) fits += character.length;
  }
  return text;
}

const ELLIPSIS_BYTES = 3;

/** Bytes of a text as JSON writes it, without quotes. */
export function writtenTextBytes(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += writtenBytes(character);
  return bytes;
}

function writtenBytes(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return SHORT_ESCAPES.includes(character) ? 2 : 6;
  if (code < 0x80) return character === '"' || character === '\\' ? 2 : 1;
  if (code < 0x800) return 2;
  // A lone half of a pair is escaped.
  if (code >= 0xd800 && code < 0xe000) return 6;
  return code < 0x1_0000 ? 3 : 4;
}

const SHORT_ESCAPES = '\b\t\n\f\r';
