// A dead letter that a person has changed before it is sent again. The change lies beside the body, in a property of the letter: the
// old body stays what it was, the number too, and the change is there or not, never half (docs/decisions/0171).
import { checkEvent } from '../../contract/border.ts';
import type { LetterEdited } from '../../contract/dead-letters.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { Payloads } from '../../contract/payload.ts';
import { type InboundMessage, PROPERTY } from '../../contract/wire.ts';
import { inboundFolder, jsonBytes, withoutClaims } from './claims.ts';
import { hashId } from './ids.ts';
import { parseActionBody, parseActorBody, parseOfferBody, parseTaskBody } from './messages.ts';
import { signRef } from './seals.ts';

type Body = Readonly<Record<string, Json>>;

export interface Edit {
  readonly by: string;
  /** Epoch ms. */
  readonly at: number;
  readonly why?: string;
  readonly body: Body;
  /** Fields of the body that lie in the payload store, comma-separated. */
  readonly claimed?: string;
}

/** What a person may change of each kind. All else says whose it is: keys, executions, addresses. */
const CONTENT: Readonly<Record<string, readonly string[]>> = {
  task: ['input'],
  event: ['event', 'start'],
  start: ['input'],
  reply: ['outcome'],
  partial: ['value'],
  childSnapshot: ['snapshot'],
  action: ['params', 'event', 'context'],
  offer: ['value'],
};
/** All properties of a message are 64 KB at most. */
const MOST_INLINE_BYTES = 24_000;

/** Undefined for a letter as it came. */
export function editOf({ properties }: InboundMessage): Edit | undefined {
  const { [PROPERTY.edited]: text } = properties;
  return typeof text === 'string' ? (JSON.parse(text) as Edit) : undefined;
}

/** The letter with the changed body in its place. */
export function withEdit(message: InboundMessage): InboundMessage {
  const edit = editOf(message);
  if (edit === undefined) return message;
  const { [PROPERTY.edited]: _, ...properties } = claiming(message, edit.claimed?.split(',') ?? []);
  return { ...message, body: edit.body, properties };
}

/** The change as the letter keeps it. Throws INPUT_INVALID for what its receiver would not take, or may not be changed. */
export async function toEdit(
  letter: InboundMessage,
  body: Json,
  done: LetterEdited,
  payloads: Pick<Payloads, 'put' | 'seal' | 'scope'>,
): Promise<string> {
  const before = withEdit(letter);
  const claimed = isBody(body) ? [...new Set([letter, before].flatMap((one) => keptClaims(one, body)))] : [];
  const checked = check(letter, body, claimed);
  const changed: Record<string, Json> = { ...checked };
  const bySize = (CONTENT[letter.subject] ?? [])
    .flatMap((field) =>
      changed[field] === undefined || claimed.includes(field) ? [] : [{ field, value: changed[field] }],
    )
    .toSorted((a, b) => jsonBytes(b.value) - jsonBytes(a.value));
  for (const { field, value } of bySize) {
    if (jsonBytes(changed) <= MOST_INLINE_BYTES) break;
    const name = hashId('edit', letter.messageId, field, done.at);
    const put = await payloads.put(folderOf(letter, payloads.scope), name, value);
    changed[field] = { ...signRef(await payloads.seal(), 'claim', put) };
    claimed.push(field);
  }
  const edit = {
    ...done,
    body: changed,
    ...(claimed.length === 0 ? {} : { claimed: claimed.join(',') }),
  };
  return JSON.stringify(edit);
}

/** Fields whose reference still stands where it stood: as `show` gives a large value. */
function keptClaims({ body: was, properties }: InboundMessage, body: Body): string[] {
  const { [PROPERTY.claimed]: text } = properties;
  const fields = typeof text === 'string' ? text.split(',') : [];
  return fields.filter((field) => isBody(was) && JSON.stringify(was[field]) === JSON.stringify(body[field]));
}

/** The letter with those of its claims that the change does not need. */
export function withoutKept(letter: InboundMessage): InboundMessage {
  const { [PROPERTY.claimed]: text, ...properties } = letter.properties;
  const edit = editOf(letter);
  if (typeof text !== 'string' || edit === undefined) return letter;
  const kept = keptClaims(letter, edit.body);
  const left = text.split(',').filter((field) => !kept.includes(field));
  return {
    ...letter,
    properties: { ...properties, ...(left.length === 0 ? {} : { [PROPERTY.claimed]: left.join(',') }) },
  };
}

/** `claimed`: fields that hold the reference of a stored value, which was checked when it was stored. */
function check(letter: InboundMessage, body: Json, claimed: readonly string[]): Body {
  const { subject } = letter;
  const content = CONTENT[subject];
  if (content === undefined) throw invalid(letter, `a ${subject} cannot be changed`);
  if (!isBody(body)) throw invalid(letter, 'its body is an object');
  const was = isBody(letter.body) ? letter.body : {};
  for (const field of new Set([...Object.keys(body), ...Object.keys(was)]))
    if (!content.includes(field) && JSON.stringify(body[field]) !== JSON.stringify(was[field]))
      throw invalid(
        letter,
        `'${field}' says whose the ${subject} is: only ${content.join(', ')} can be changed`,
      );
  const parsed = parseAs(subject, withoutClaims({ ...letter, body, properties: claiming(letter, claimed) }));
  if (!parsed.ok) throw invalid(letter, parsed.why);
  if (subject === 'event' && !claimed.includes('event'))
    checkEvent(body['event'], `letter ${letter.sequenceNumber}`);
  return body;
}

function claiming({ properties }: InboundMessage, claimed: readonly string[]): InboundMessage['properties'] {
  const { [PROPERTY.claimed]: _, ...others } = properties;
  return claimed.length === 0 ? others : { ...others, [PROPERTY.claimed]: claimed.join(',') };
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseAs(
  subject: string,
  message: InboundMessage,
): { readonly ok: true } | { ok: false; why: string } {
  if (subject === 'task') return parseTaskBody(message);
  if (subject === 'action') return parseActionBody(message);
  return subject === 'offer' ? parseOfferBody(message) : parseActorBody(message);
}

function invalid({ sequenceNumber }: InboundMessage, why: string): QuorateError {
  return new QuorateError('INPUT_INVALID', `letter ${sequenceNumber}: ${why}`);
}

/** Of the actor that it is for, or that asked. */
function folderOf(
  { properties, replyTo = '', replyToSessionId = '' }: InboundMessage,
  scope: string,
): string {
  const session = String(properties[PROPERTY.deadSession] ?? '');
  const [queue, id] =
    session === '' ? [replyTo, replyToSessionId] : [String(properties[PROPERTY.deadFrom]), session];
  return inboundFolder(scope, { type: queue.replace(/^actor\./, ''), id });
}
