// Requests over `$cbs` and `$management`: taken from the link as credit allows, each with what its answer needs.
import { listFields, scanSections } from '../codec/sections.ts';
import { readScalar, UUID } from '../codec/values.ts';
import type { ValueLimits } from '../codec/verify.ts';
import { verifiedMessage } from '../codec/verify-message.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import { accepted, rejected, settleDelivery } from './dispositions.ts';
import { type Delivery, localAttach, messages, type Receiver, trafficOf, types } from './rhea.ts';
import { provisional, transactionOfTransfer } from './transactional-state.ts';

/** One request over `$cbs` or `$management`. */
export interface Request {
  id: unknown;
  replyTo: string;
  /** The link that it came over. */
  link: Receiver;
  properties: Record<string, unknown>;
  body: unknown;
  /** All of it as it came, for values whose types matter. */
  encoded: Buffer;
  /** The one that it is to be done in. */
  transaction: Buffer | undefined;
  /** Its reply has been handed over, or nobody wants it: the link may send another. */
  answered: () => void;
}

const CREDIT = 100;
/** Credit is given back so much at a time. */
const REFILL = 25;
/** What a request costs beside the bytes it comes in, in milliseconds of the broker's time. */
const REQUEST_COST_MS = 0.1;
/** rhea makes objects of all of it. */
const LIMITS: ValueLimits = { depth: 64, values: 65_536 };

/** Turns transfers on a request link into requests; a client has only so many without a reply. */
export function serveRequests(
  receiver: Receiver,
  maxBytes: number,
  handle: (request: Request) => void,
): void {
  localAttach(receiver).max_message_size = maxBytes;
  receiver.add_credit(CREDIT);
  let owed = 0;
  const answered = () => {
    owed += 1;
    if (owed < REFILL) return;
    receiver.add_credit(owed);
    owed = 0;
  };
  receiver.on('message', ({ message, delivery }) => {
    trafficOf(receiver).charge(REQUEST_COST_MS);
    const encoded = message as unknown as Buffer;
    const request = toRequest(encoded, receiver, delivery as Delivery, answered);
    const { transaction } = request instanceof ServiceError ? {} : request;
    const taken = transaction ? provisional(transaction, accepted) : accepted;
    if (delivery) settleDelivery(delivery, request instanceof ServiceError ? rejected(request) : taken);
    if (request instanceof ServiceError) answered();
    else handle(request);
  });
}

function toRequest(
  encoded: Buffer,
  link: Receiver,
  delivery: Delivery,
  answered: () => void,
): Request | ServiceError {
  try {
    const decoded = messages.decode(verifiedMessage(encoded, LIMITS)) as unknown as {
      reply_to?: string;
      application_properties?: Record<string, unknown>;
      body: unknown;
    };
    return {
      id: idOf(encoded),
      replyTo: decoded.reply_to ?? '',
      link,
      properties: decoded.application_properties ?? {},
      body: decoded.body,
      encoded,
      transaction: transactionOfTransfer(delivery),
      answered,
    };
  } catch (error) {
    return serviceErrors.invalid(`The request cannot be decoded: ${String(error)}`);
  }
}

/** The message id with its type, for the reply to repeat; decoded, numbers and binaries would look alike. */
function idOf(encoded: Buffer): unknown {
  const [at] = listFields(encoded, scanSections(encoded).properties);
  const value = at === undefined ? null : readScalar(encoded, at);
  if (at === undefined || value === null || value === undefined) return undefined;
  if (typeof value === 'string') return types.wrap_string(value);
  if (!Buffer.isBuffer(value)) return types.wrap_ulong(encodedUlong(BigInt(value)));
  return encoded[at] === UUID ? types.wrap_uuid(value) : types.wrap_binary(value);
}

function encodedUlong(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
