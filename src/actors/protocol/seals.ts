// Signs what a message says of the payload store. Anybody who may send can write any reference and any folder into a message.
// Only those count that are signed with the key, which lies in the store itself (storage/seal.ts).
import type { Json } from '../../contract/json.ts';
import type { PayloadRef, Payloads, Seal } from '../../contract/payload.ts';
import { isPayloadRef } from '../../contract/payload.ts';
import type { InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';

/**
 * A claim is read once and then removed, by the receiver of the message. A value is read by agents as often as they like. The
 * two are signed differently: nobody can pass one off as the other.
 */
type Purpose = 'claim' | 'value';

function partsOf(purpose: Purpose, { $payload, bytes, count }: PayloadRef): string[] {
  return [purpose, $payload, String(bytes), String(count ?? '')];
}

export function signRef(seal: Seal, purpose: Purpose, ref: PayloadRef): PayloadRef {
  return { ...ref, sig: seal.sign(...partsOf(purpose, ref)) };
}

export function isSignedRef(seal: Seal, purpose: Purpose, ref: PayloadRef): boolean {
  return seal.isSigned(ref.sig, ...partsOf(purpose, ref));
}

export function isBelow(folder: string, { $payload }: PayloadRef): boolean {
  return $payload.startsWith(`${folder}/`);
}

/** As received, or as sent: a family counts for this task, or this actor, and for no other. */
type Bound = Pick<InboundMessage, 'subject' | 'body' | 'sessionId' | 'replyTo' | 'replyToSessionId'>;

function familyParts(
  folder: string,
  { subject, body, sessionId, replyTo, replyToSessionId }: Bound,
): string[] {
  const { key } = Object(body) as { readonly key?: unknown };
  const whose = subject === 'task' ? [String(key), replyTo, replyToSessionId] : [sessionId];
  return ['family', folder, subject, ...whose.map((part) => part ?? '')];
}

/** The folder, if its signature counts. */
export function signedFamily(
  seal: Seal,
  message: Bound & Pick<InboundMessage, 'properties'>,
): string | undefined {
  const { [PROPERTY.family]: folder, [PROPERTY.familySig]: sig } = message.properties;
  if (typeof folder !== 'string') return undefined;
  return seal.isSigned(sig, ...familyParts(folder, message)) ? folder : undefined;
}

function needsSeal({ properties }: WireMessage): boolean {
  return properties?.[PROPERTY.family] !== undefined || properties?.[PROPERTY.claimed] !== undefined;
}

/**
 * Messages of a committed state as they leave: only hosts write states, so what stands in one is signed, also what an earlier
 * build has written there. A store that does not answer now costs a family its name, and a claim its message: that throws.
 */
export async function sealAll(
  messages: readonly WireMessage[],
  payloads: Pick<Payloads, 'seal'>,
): Promise<readonly WireMessage[]> {
  if (!messages.some(needsSeal)) return messages;
  let seal: Seal;
  try {
    seal = await payloads.seal();
  } catch (thrown) {
    if (messages.some(({ properties }) => properties?.[PROPERTY.claimed] !== undefined)) throw thrown;
    return messages;
  }
  return messages.map((message) => (needsSeal(message) ? sealOne(message, seal) : message));
}

function sealOne(message: WireMessage, seal: Seal): WireMessage {
  const { [PROPERTY.family]: family } = message.properties ?? {};
  const claims = claimsOf(message).filter(([, { sig }]) => sig === undefined);
  const signed = claims.map(([field, ref]) => [field, signRef(seal, 'claim', ref)] as const);
  return {
    ...message,
    ...(signed.length === 0
      ? {}
      : { body: { ...(message.body as object), ...Object.fromEntries(signed) } as unknown as Json }),
    ...(typeof family !== 'string'
      ? {}
      : {
          properties: {
            ...message.properties,
            [PROPERTY.familySig]: seal.sign(...familyParts(family, message)),
          },
        }),
  };
}

/** As received, or as sent. */
export type Claimed = Pick<InboundMessage | WireMessage, 'properties' | 'body'>;

export function claimsOf(message: Claimed): readonly (readonly [field: string, ref: PayloadRef])[] {
  const fields = message.properties?.[PROPERTY.claimed];
  if (typeof fields !== 'string') return [];
  const body = message.body as Readonly<Record<string, unknown>> | null;
  return fields.split(',').flatMap((field) => {
    const ref = typeof body === 'object' ? body?.[field] : undefined;
    return isPayloadRef(ref) ? [[field, ref] as const] : [];
  });
}
