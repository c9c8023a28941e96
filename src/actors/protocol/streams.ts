// What streams of pieces need on both sides: where those of an actor lie, how readers are told of new ones, and offsets. What is
// told makes things quick and promises nothing: a reader that was not told finds the pieces in the store.
import { z } from 'zod';
import type { ActorAddress } from '../../contract/address.ts';
import { REPLIES } from '../../contract/entities.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { StreamRow } from '../../contract/stream.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';
import { livesFolder } from './claims.ts';
import { hashId } from './ids.ts';
import { ANSWER_TTL_MS } from './messages.ts';

/** Under which a client hears of new pieces. */
export const STREAM_ID = 'stream';
/** Pieces are found for so long after their stream has ended. */
export const KEPT_MS = 600_000;
/** A piece as JSON, in bytes. */
export const MAX_PIECE_BYTES = 64 * 1024;
/** 132 bits. */
const TAG_LENGTH = 22;

/** Removed with the actor. */
export function streamPlace(scope: string, actor: ActorAddress): string {
  return `${livesFolder(scope, actor)}/stream`;
}

/** Names a place in what is told. */
export function placeTag(place: string): string {
  return hashId('stream', place).slice(0, TAG_LENGTH);
}

/** A row that was appended, and what lies before it (`Appended`). Without the row: look in the store. */
export interface StreamNews {
  readonly tag: string;
  readonly from: number;
  readonly at: number;
  readonly row?: StreamRow;
}

const run = z.object({
  id: z.string(),
  child: z.string(),
  branch: z.number().int().min(0).optional(),
  execution: z.string(),
  attempt: z.number().int(),
});
const number = z.number().int().min(0);
const entry = z.union([
  z.object({ n: number, v: z.custom<Json>((value) => value !== undefined) }),
  z.object({ n: number, gap: number }),
  z.object({ begin: z.literal(true) }),
  z.object({ end: z.literal(true) }),
]);
const told = z.object({
  streams: z.array(
    z.object({
      tag: z.string(),
      from: number,
      at: number,
      row: z.array(z.object({ run, entries: z.array(entry) })).optional(),
    }),
  ),
});

export function toNewsMessage(session: string, news: readonly StreamNews[], messageId: string): WireMessage {
  const outcome: Json = { status: 'done', output: { streams: news as unknown as Json } };
  return {
    entity: REPLIES,
    sessionId: session,
    subject: 'answer',
    messageId,
    correlationId: STREAM_ID,
    timeToLiveMs: ANSWER_TTL_MS,
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'answer', answer: 'outcome', outcome },
  };
}

/** What such a message says; nothing of what says something else. */
export function newsIn(output: unknown): readonly StreamNews[] {
  const parsed = told.safeParse(output);
  return parsed.success ? (parsed.data.streams as readonly StreamNews[]) : [];
}

/** A place in a stream: which life of the actor, which row, which entry of it. */
export interface StreamOffset {
  readonly life: string;
  readonly at: number;
  readonly index: number;
}

export function formatOffset({ life, at, index }: StreamOffset): string {
  return `${life}.${at}.${index}`;
}

const OFFSET = /^([\w-]{0,8})\.(\d{1,16})\.(\d{1,9})$/;

/** Throws INPUT_INVALID for what `formatOffset` has not made. */
export function parseOffset(text: unknown): StreamOffset {
  const [, life, at, index] = (typeof text === 'string' ? OFFSET.exec(text) : null) ?? [];
  if (life === undefined)
    throw new QuorateError('INPUT_INVALID', 'from must be the offset of an item of client.stream');
  return { life, at: Number(at), index: Number(index) };
}
