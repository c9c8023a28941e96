// The claim check of messages: a value that is too large to travel lies in the payload store, in the folder of its owner, and
// the message carries its reference.
import type { ActorAddress } from '../../contract/address.ts';
import { checkJson } from '../../contract/border.ts';
import { actorQueue, EVENTS } from '../../contract/entities.ts';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { PayloadRef, PayloadStore, Payloads, ResultStore } from '../../contract/payload.ts';
import type { Bridge } from '../../contract/ports.ts';
import { headerBytes, MAX_BODY_BYTES, MAX_CLAIM_BYTES, MAX_HEADER_BYTES } from '../../contract/sizes.ts';
import type { InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import { hashId } from './ids.ts';
import { type Claimed, claimsOf, isBelow, isSignedRef, signedFamily, signRef } from './seals.ts';

export function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Folder of one actor id, over all its lives. */
function ownerFolder(scope: string, { type, id }: ActorAddress): string {
  return `${scope}/${encodeURIComponent(type).replace(/[!'()*~]/g, '_')}/${hashId(type, id)}`;
}

/** Folder of states, results and payloads of an actor's lives, which are removed when it is forgotten. */
export function livesFolder(scope: string, actor: ActorAddress): string {
  return `${ownerFolder(scope, actor)}/life`;
}

export function lifeFolder(scope: string, actor: ActorAddress, incarnation: string): string {
  return `${livesFolder(scope, actor)}/${incarnation}`;
}

/** Folder of payloads on their way to an actor, which may not exist yet. They are removed message by message. */
export function inboundFolder(scope: string, actor: ActorAddress): string {
  return `${ownerFolder(scope, actor)}/in`;
}

const ACTOR_QUEUE = actorQueue('');

/**
 * The owner of a message's payload: its receiver or its asker. `undefined`: the message is for anybody, and carries no
 * references.
 */
function folderOf(
  { entity, sessionId, replyTo, replyToSessionId }: WireMessage,
  scope: string,
): string | undefined {
  const [queue, id] = entity.startsWith(ACTOR_QUEUE) ? [entity, sessionId] : [replyTo, replyToSessionId];
  if (queue === undefined || id === undefined) return undefined;
  return inboundFolder(scope, { type: queue.slice(ACTOR_QUEUE.length), id });
}

/** Whether the message can travel as it is. */
export function isSmall(message: WireMessage): boolean {
  return jsonBytes(message.body) <= MAX_BODY_BYTES && headerBytes(message) <= MAX_HEADER_BYTES;
}

/** Goes with the sender: the asker, or what an action of the sender sees. */
const OWN: ReadonlySet<string> = new Set(['task', 'broadcast', 'answer', 'action']);

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
    const put = await payloads.put(folder, hashId(message.messageId, field), value);
    const ref: Json = { ...signRef(await payloads.seal(), 'claim', put) };
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

/** A bridge's `publish` for senders without a commit. */
export function claimingPublish(bridge: Pick<Bridge, 'publish'>, payloads: Payloads): Bridge['publish'] {
  return async (messages) =>
    bridge.publish(await Promise.all(messages.map((message) => claimLarge(message, payloads))));
}

export function hasClaims({ properties }: InboundMessage): boolean {
  return typeof properties[PROPERTY.claimed] === 'string';
}

/** A reference without a signature counts below the folder of its message's receiver (`inbound`), and nowhere else. */
async function areOurs(
  refs: readonly PayloadRef[],
  payloads: Pick<Payloads, 'seal'>,
  inbound: string | undefined,
): Promise<readonly boolean[]> {
  const near = refs.map((ref) => inbound !== undefined && isBelow(inbound, ref));
  if (near.every(Boolean)) return near;
  const seal = await payloads.seal();
  return refs.map((ref, at) => near[at] === true || isSignedRef(seal, 'claim', ref));
}

function foreign({ $payload }: PayloadRef): QuorateError {
  const message = `payload ${$payload.slice(0, MAX_NAMED)} is not signed, and not the receiver's`;
  return new QuorateError('PAYLOAD_NOT_FOUND', message);
}

/** Characters of a path that somebody else has written. */
const MAX_NAMED = 300;

/**
 * The message as it was before its claim; `inbound`: of the actor that it is for. Throws PAYLOAD_NOT_FOUND
 * and PAYLOAD_UNREADABLE, or what the storage threw.
 */
export async function openClaims(
  message: InboundMessage,
  payloads: Payloads,
  inbound?: string,
): Promise<InboundMessage> {
  const claims = claimsOf(message);
  if (claims.length === 0) return message;
  const refs = claims.map(([, ref]) => ref);
  const at = (await areOurs(refs, payloads, inbound)).indexOf(false);
  const [, refused] = claims[at] ?? [];
  if (refused !== undefined) throw foreign(refused);
  const values = await Promise.all(
    claims.map(async ([field, ref]) => [field, await payloads.get(ref)] as const),
  );
  return { ...message, body: { ...(message.body as object), ...Object.fromEntries(values) } };
}

/** Whether nothing but the payload itself is at fault: the same message will not be read later either. */
export function isUnreadable(code: string): boolean {
  return code === 'PAYLOAD_NOT_FOUND' || code === 'PAYLOAD_UNREADABLE';
}

/** `inbound` as of `openClaims`: what that would not read is not removed. */
export async function removeClaims(
  message: Claimed,
  payloads: Pick<Payloads, 'remove' | 'seal'>,
  inbound?: string,
): Promise<void> {
  const refs = claimsOf(message).map(([, ref]) => ref);
  // Other copies need them: they go with their asker.
  if (refs.length === 0 || message.properties?.[PROPERTY.copy] === true) return;
  const ours = await areOurs(refs, payloads, inbound);
  await Promise.all(refs.filter((_, at) => ours[at]).map((ref) => payloads.remove(ref)));
}

/** What a body needs in place of a field that must be an object. */
const BLANKS: Readonly<Record<string, Json>> = {
  outcome: { status: 'done', output: null },
  event: { type: 'claimed' },
  start: { input: null },
};

/** For readers of the addresses in a body: its values may be gone. */
export function withoutClaims(message: InboundMessage): InboundMessage {
  const blanks = claimsOf(message).map(([field]) => [field, BLANKS[field] ?? null]);
  return blanks.length === 0
    ? message
    : { ...message, body: { ...(message.body as object), ...Object.fromEntries(blanks) } };
}

/** Where the results and payloads of a task belong: to the family of its asker. */
export interface Family {
  readonly folder: string;
  /** The task names a folder that does not count: the folder of its asker is used. */
  readonly refused?: string;
}

/** Throws what the storage threw. */
export async function familyOf(
  message: InboundMessage,
  payloads: Pick<Payloads, 'seal' | 'scope'>,
): Promise<Family> {
  const { [PROPERTY.family]: given } = message.properties;
  const { replyTo, replyToSessionId: id } = message;
  const asker = replyTo?.startsWith(ACTOR_QUEUE) === true ? replyTo.slice(ACTOR_QUEUE.length) : undefined;
  const own =
    asker === undefined || id === undefined
      ? `${payloads.scope}/unowned`
      : `${livesFolder(payloads.scope, { type: asker, id })}/unsigned`;
  if (typeof given !== 'string') return { folder: own };
  const folder = signedFamily(await payloads.seal(), message);
  return folder === undefined ? { folder: own, refused: given.slice(0, MAX_NAMED) } : { folder };
}

/** Reads what a user's value refers to: signed, or below a folder of the reader. Throws like `openClaims`. */
export async function readValue(ref: PayloadRef, payloads: Payloads, own: readonly string[]): Promise<Json> {
  if (!own.some((folder) => isBelow(folder, ref)) && !isSignedRef(await payloads.seal(), 'value', ref))
    throw foreign(ref);
  return payloads.get(ref);
}

/** The payload store as an agent sees it: addressed by content, in the folder of its asker. */
export function payloadsWithin(payloads: Payloads, folder: string): PayloadStore {
  return {
    put: async (given) => {
      const value = checkJson(given, { of: 'payloads.put()', path: 'value', code: 'OUTPUT_INVALID' });
      const ref = await payloads.put(folder, hashId('value', JSON.stringify(value)), value);
      return signRef(await payloads.seal(), 'value', ref);
    },
    get: (ref) => readValue(ref, payloads, [folder]),
  };
}

/** The result of a task that was done before. One that cannot be read counts as missing: the task is done again, under the same key. */
export async function storedResult(
  results: Pick<ResultStore, 'get'>,
  family: string,
  key: string,
): Promise<Json | undefined> {
  try {
    return await results.get(family, key);
  } catch (thrown) {
    if (!isUnreadable(toErrorJson(thrown, 'INTERNAL').code)) throw thrown;
    return undefined;
  }
}
