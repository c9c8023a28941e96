// The claim check of messages: what is too large to travel lies in the payload store, in the folder of whom it belongs to,
// and the message carries its reference.
import type { ActorAddress } from '../../contract/address.ts';
import { checkJson } from '../../contract/border.ts';
import { actorQueue, EVENTS } from '../../contract/entities.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { isPayloadRef, type PayloadRef, type PayloadStore, type Payloads } from '../../contract/payload.ts';
import type { Bridge } from '../../contract/ports.ts';
import { headerBytes, MAX_BODY_BYTES, MAX_CLAIM_BYTES, MAX_HEADER_BYTES } from '../../contract/sizes.ts';
import type { InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import { hashId } from './ids.ts';

export function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** All of one actor id, over its lives. */
function ownerFolder(scope: string, { type, id }: ActorAddress): string {
  return `${scope}/${encodeURIComponent(type).replace(/[!'()*~]/g, '_')}/${hashId(type, id)}`;
}

/** States, results and payloads of an actor's lives: removed when it is forgotten. */
export function livesFolder(scope: string, actor: ActorAddress): string {
  return `${ownerFolder(scope, actor)}/life`;
}

export function lifeFolder(scope: string, actor: ActorAddress, incarnation: string): string {
  return `${livesFolder(scope, actor)}/${incarnation}`;
}

/** What is on its way to an actor, which may not have begun to live: removed message by message. */
export function inboundFolder(scope: string, actor: ActorAddress): string {
  return `${ownerFolder(scope, actor)}/in`;
}

const ACTOR_QUEUE = actorQueue('');

/** Whose a message's payload is: its receiver's, or its asker's; `undefined`: it is for anybody, and carries no references. */
function folderOf(
  { entity, sessionId, replyTo, replyToSessionId }: WireMessage,
  scope: string,
): string | undefined {
  const [queue, id] = entity.startsWith(ACTOR_QUEUE) ? [entity, sessionId] : [replyTo, replyToSessionId];
  if (queue === undefined || id === undefined) return undefined;
  return inboundFolder(scope, { type: queue.slice(ACTOR_QUEUE.length), id });
}

/** Whether it can travel as it is. */
export function isSmall(message: WireMessage): boolean {
  return jsonBytes(message.body) <= MAX_BODY_BYTES && headerBytes(message) <= MAX_HEADER_BYTES;
}

/** Goes with the sender: whoever asked, or what an action of the sender sees. */
const OWN: ReadonlySet<string> = new Set(['task', 'answer', 'action']);

/** The message as it can travel. `own` is the sender's folder, for what is removed with the sender. */
export async function claimLarge(
  message: WireMessage,
  payloads: Payloads,
  own?: string,
): Promise<WireMessage> {
  const headers = headerBytes(message);
  if (headers > MAX_HEADER_BYTES)
    throw tooLarge(`ids and properties of the ${message.subject}`, headers, MAX_HEADER_BYTES);
  const bytes = jsonBytes(message.body);
  if (bytes <= MAX_BODY_BYTES) return message;
  const isOwn = OWN.has(message.subject);
  const folder = isOwn && own !== undefined ? own : folderOf(message, payloads.scope);
  if (message.entity === EVENTS || folder === undefined)
    throw tooLarge(message.subject, bytes, MAX_BODY_BYTES);
  const body: Record<string, Json> = { ...(message.body as Record<string, Json>) };
  const bySize = Object.entries(body)
    .map(([field, value]) => ({ field, value, bytes: jsonBytes(value) }))
    .toSorted((a, b) => b.bytes - a.bytes);
  const largest = bySize[0]?.bytes ?? 0;
  if (largest > MAX_CLAIM_BYTES) throw tooLarge(message.subject, bytes, MAX_CLAIM_BYTES);
  const claimed: string[] = [];
  let left = bytes;
  for (const { field, value, bytes: freed } of bySize) {
    if (left <= MAX_BODY_BYTES) break;
    const ref: Json = { ...(await payloads.put(folder, hashId(message.messageId, field), value)) };
    body[field] = ref;
    left += jsonBytes(ref) - freed;
    claimed.push(field);
  }
  return { ...message, body, properties: { ...message.properties, [PROPERTY.claimed]: claimed.join(',') } };
}

export function tooLarge(what: string, bytes: number, limit: number): QuorateError {
  return new QuorateError('EFFECT_TOO_LARGE', `${what}: ${bytes} bytes, at most ${limit} can be sent`);
}

/** Whether the message itself is at fault: no later attempt to send it could succeed. */
export function isRefusedForGood(code: string): boolean {
  return code === 'EFFECT_TOO_LARGE' || code === 'INPUT_INVALID';
}

/** A bridge's `publish` for whoever sends without a commit. */
export function claimingPublish(bridge: Pick<Bridge, 'publish'>, payloads: Payloads): Bridge['publish'] {
  return async (messages) =>
    bridge.publish(await Promise.all(messages.map((message) => claimLarge(message, payloads))));
}

/** As received, or as sent. */
type Claimed = Pick<InboundMessage | WireMessage, 'properties' | 'body'>;

function claimsOf(message: Claimed): readonly (readonly [field: string, ref: PayloadRef])[] {
  const fields = message.properties?.[PROPERTY.claimed];
  if (typeof fields !== 'string') return [];
  const body = message.body as Readonly<Record<string, unknown>> | null;
  return fields.split(',').flatMap((field) => {
    const ref = typeof body === 'object' ? body?.[field] : undefined;
    return isPayloadRef(ref) ? [[field, ref] as const] : [];
  });
}

export function hasClaims({ properties }: InboundMessage): boolean {
  return typeof properties[PROPERTY.claimed] === 'string';
}

/** Whoever can send may write any reference into a message: it counts below the folder of whom it is for, and nowhere else. */
function isBelow(folder: string | undefined, { $payload }: PayloadRef): boolean {
  return folder === undefined || $payload.startsWith(`${folder}/`);
}

/**
 * The message as it was before its claim; `folder`: below which it must lie. Throws PAYLOAD_NOT_FOUND
 * and PAYLOAD_UNREADABLE, or what the storage threw.
 */
export async function openClaims(
  message: InboundMessage,
  payloads: Payloads,
  folder?: string,
): Promise<InboundMessage> {
  const claims = claimsOf(message);
  if (claims.length === 0) return message;
  for (const [, ref] of claims) {
    if (isBelow(folder, ref)) continue;
    throw new QuorateError('PAYLOAD_NOT_FOUND', `payload ${ref.$payload} is not the receiver's`);
  }
  const values = await Promise.all(
    claims.map(async ([field, ref]) => [field, await payloads.get(ref)] as const),
  );
  return { ...message, body: { ...(message.body as object), ...Object.fromEntries(values) } };
}

/** Whether nothing but the payload itself is at fault: the same message will not be read later either. */
export function isUnreadable(code: string): boolean {
  return code === 'PAYLOAD_NOT_FOUND' || code === 'PAYLOAD_UNREADABLE';
}

export async function removeClaims(
  message: Claimed,
  payloads: Pick<Payloads, 'remove'>,
  folder?: string,
): Promise<void> {
  const own = claimsOf(message).filter(([, ref]) => isBelow(folder, ref));
  await Promise.all(own.map(([, ref]) => payloads.remove(ref)));
}

/** What a body needs in place of a field that must be an object. */
const BLANKS: Readonly<Record<string, Json>> = {
  outcome: { status: 'done', output: null },
  event: { type: 'claimed' },
  start: { input: null },
};

/** For whoever needs the addresses in a body and not its values, which may be gone. */
export function withoutClaims(message: InboundMessage): InboundMessage {
  const blanks = claimsOf(message).map(([field]) => [field, BLANKS[field] ?? null]);
  return blanks.length === 0
    ? message
    : { ...message, body: { ...(message.body as object), ...Object.fromEntries(blanks) } };
}

/** Below it lies what a task or an offer brings: it was put away by whoever asks, or on the way back to it. */
export function askerFolder({ replyTo, replyToSessionId: id }: InboundMessage, scope: string): string {
  return replyTo?.startsWith(ACTOR_QUEUE) !== true || id === undefined
    ? `${scope}/unowned`
    : ownerFolder(scope, { type: replyTo.slice(ACTOR_QUEUE.length), id });
}

/** Where the results and payloads of a task belong: to the family of its asker. */
export function familyOf(message: InboundMessage, scope: string): string {
  const { [PROPERTY.family]: family } = message.properties;
  if (typeof family === 'string') return family;
  const { replyTo, replyToSessionId: id } = message;
  const asker = replyTo?.startsWith(ACTOR_QUEUE) === true ? replyTo.slice(ACTOR_QUEUE.length) : undefined;
  return asker === undefined || id === undefined
    ? `${scope}/unowned`
    : inboundFolder(scope, { type: asker, id });
}

/** The payload store as an agent sees it: addressed by content, in the folder of whoever asked. */
export function payloadsWithin(payloads: Payloads, folder: string): PayloadStore {
  return {
    put: async (given) => {
      const value = checkJson(given, { of: 'payloads.put()', path: 'value', code: 'OUTPUT_INVALID' });
      return payloads.put(folder, hashId('value', JSON.stringify(value)), value);
    },
    get: (ref) => payloads.get(ref),
  };
}
