// What a message says, its claimed values in their places. The payload store may have lost one for good: an answer that cannot be
// read is an answer too, for nobody can send it again (I7, I11); any other message is refused.
import { toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Payloads } from '../../contract/payload.ts';
import type { ActorBody, InboundMessage } from '../../contract/wire.ts';
import { hasClaims, isUnreadable, openClaims, withoutClaims } from '../protocol/claims.ts';
import { parseActorBody } from '../protocol/messages.ts';

export type Read =
  | {
      readonly kind: 'body';
      readonly body: ActorBody;
      /** What was claimed could not be read: the body says so. */
      readonly unread?: true;
    }
  | { readonly kind: 'refused'; readonly error: ErrorJson };

/** At once where nothing is claimed. Rejects with what the storage threw: then no message is at fault. */
export function readBody(message: InboundMessage, payloads: Payloads, inbound: string): Read | Promise<Read> {
  return hasClaims(message) ? readClaimed(message, payloads, inbound) : parse(message);
}

async function readClaimed(message: InboundMessage, payloads: Payloads, inbound: string): Promise<Read> {
  let opened: InboundMessage;
  try {
    opened = await openClaims(message, payloads, inbound);
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    const body = failedAnswer(message, error);
    return body === undefined ? { kind: 'refused', error } : { kind: 'body', body, unread: true };
  }
  return parse(opened);
}

function parse(opened: InboundMessage): Read {
  const parsed = parseActorBody(opened);
  if (parsed.ok) return { kind: 'body', body: parsed.body };
  return { kind: 'refused', error: { code: 'INPUT_INVALID', message: parsed.why } };
}

/** A piece that is lost is the end of its answer: what comes behind it would wait for it for ever. */
function failedAnswer(message: InboundMessage, error: ErrorJson): ActorBody | undefined {
  const parsed = parseActorBody(withoutClaims(message));
  if (!parsed.ok || (parsed.body.kind !== 'reply' && parsed.body.kind !== 'partial')) return undefined;
  const { execution, branch } = parsed.body;
  const place = branch === undefined ? { execution } : { execution, branch };
  return { kind: 'reply', ...place, outcome: { status: 'error', error } };
}
