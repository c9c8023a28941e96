/**
 * The rules of a connection: which frame may come when, on which channel, with which handle. rhea trusts its peer; what
 * passes here is safe to give to it.
 */
import { NULL, readCompound, skipValue } from '../codec/values.ts';
import { MalformedError } from '../codec/verify.ts';
import { type Endpoints, Violation } from './client-limits.ts';
import { HEADER_BYTES } from './frame-reader.ts';
import * as amqp from './performatives.ts';

/** Said in the open and begin frames. The service has 4,999 links a connection; the rest is for what clients need beside. */
export const MAX_CHANNEL = 8191;
export const MAX_HANDLE = 8191;
/** Limit of frames that open something: they stay in memory as long as that is open. */
const MAX_KEPT_BYTES = 16_384;
/** The least that AMQP allows. */
const MIN_FRAME_SIZE = 512;
/** A shorter one makes heartbeats a flood. */
const MIN_IDLE_TIME_OUT_MS = 500;
const AMQP_TYPE = 0;
const SASL_TYPE = 1;
export const AMQP_HEADER = Buffer.from('AMQP\0\x01\0\0', 'latin1');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\0\0', 'latin1');
const STRINGS = new Set([0x40, 0xa1, 0xb1]);
const LISTS = new Set([0x45, 0xc0, 0xd0]);
const ADDRESS = 0;

type Phase = 'header' | 'sasl' | 'open' | 'running' | 'closed';

export class Guard {
  readonly #endpoints: Endpoints;
  #phase: Phase = 'header';
  /** The handles in use, by channel. */
  readonly #channels = new Map<number, Set<number>>();

  constructor(endpoints: Endpoints) {
    this.#endpoints = endpoints;
  }

  /** The next eight bytes are a protocol header and no frame. */
  get expectsHeader(): boolean {
    return this.#phase === 'header';
  }

  get inSasl(): boolean {
    return this.#phase === 'sasl';
  }

  /** SASL has come to its end, and the AMQP header comes next. */
  authenticated(): void {
    if (this.#phase === 'sasl') this.#phase = 'header';
  }

  close(): void {
    this.#phase = 'closed';
    for (const handles of this.#channels.values()) this.#endpoints.removed(1 + handles.size);
    this.#channels.clear();
  }

  /** Throws a Violation or a MalformedError; false = the frame is of no more interest. */
  admit(frame: Buffer): boolean {
    if (this.#phase === 'closed') return false;
    if (this.#phase === 'header') return this.#header(frame);
    const start = (frame[4] ?? 0) * 4;
    if (start < HEADER_BYTES || start > frame.length)
      throw new MalformedError('a frame has a wrong data offset');
    if (frame[5] !== (this.#phase === 'sasl' ? SASL_TYPE : AMQP_TYPE)) {
      throw new Violation(
        'amqp:connection:framing-error',
        'The type of a frame is not the one expected here.',
      );
    }
    if (start === frame.length) {
      if (this.#phase === 'sasl') throw new MalformedError('a SASL frame is empty');
      return true;
    }
    const performative = amqp.readPerformative(frame, start);
    if (performative.end < frame.length && performative.code !== amqp.TRANSFER) {
      throw new MalformedError('only a transfer has a payload');
    }
    return this.#performative(performative, frame.readUInt16BE(6));
  }

  #header(header: Buffer): boolean {
    if (header.equals(SASL_HEADER)) this.#phase = 'sasl';
    else if (header.equals(AMQP_HEADER)) this.#phase = 'open';
    else throw new Violation('amqp:connection:framing-error', 'Only AMQP 1.0 is spoken here.');
    return true;
  }

  #performative(performative: amqp.Performative, channel: number): boolean {
    const { code } = performative;
    if (this.#phase === 'sasl' || code > amqp.CLOSE) {
      if (this.#phase === 'sasl' && code > amqp.CLOSE) return true;
      throw new Violation('amqp:not-allowed', 'The performative is not of this layer.');
    }
    if ((this.#phase === 'open') !== (code === amqp.OPEN)) {
      throw new Violation('amqp:not-allowed', 'A connection is opened first, and once.');
    }
    switch (code) {
      case amqp.OPEN:
        return this.#open(performative);
      case amqp.CLOSE:
        this.#phase = 'closed';
        return true;
      case amqp.BEGIN:
        return this.#begin(performative, channel);
      default:
        return this.#inSession(performative, channel);
    }
  }

  #open(performative: amqp.Performative): boolean {
    keptBytes(performative);
    const size = amqp.wholeField(performative, amqp.FIELD.maxFrameSize) ?? MIN_FRAME_SIZE;
    if (size < MIN_FRAME_SIZE) {
      throw new Violation('amqp:not-allowed', `The max-frame-size is ${MIN_FRAME_SIZE} at least.`);
    }
    const idle = amqp.wholeField(performative, amqp.FIELD.idleTimeOut) ?? 0;
    if (idle !== 0 && idle < MIN_IDLE_TIME_OUT_MS) {
      throw new Violation(
        'amqp:not-allowed',
        `An idle-time-out under ${MIN_IDLE_TIME_OUT_MS} ms is not served.`,
      );
    }
    this.#phase = 'running';
    return true;
  }

  #begin(performative: amqp.Performative, channel: number): boolean {
    keptBytes(performative);
    if (channel > MAX_CHANNEL) {
      throw new Violation('amqp:connection:framing-error', `The highest channel is ${MAX_CHANNEL}.`);
    }
    if (this.#channels.has(channel)) {
      throw new Violation(
        'amqp:connection:framing-error',
        `A session has begun on channel ${channel} before.`,
      );
    }
    if (amqp.wholeField(performative, amqp.FIELD.remoteChannel) !== undefined) {
      throw new Violation('amqp:not-allowed', 'No session was begun that this could answer.');
    }
    this.#endpoints.added();
    this.#channels.set(channel, new Set());
    return true;
  }

  #inSession(performative: amqp.Performative, channel: number): boolean {
    const { code } = performative;
    const handles = this.#channels.get(channel);
    if (!handles) {
      // A client that ends a session may say goodbye to its links later.
      if (code === amqp.END || code === amqp.DETACH) return false;
      throw new Violation('amqp:connection:framing-error', `No session has begun on channel ${channel}.`);
    }
    switch (code) {
      case amqp.END:
        this.#channels.delete(channel);
        this.#endpoints.removed(1 + handles.size);
        return true;
      case amqp.ATTACH:
        return this.#attach(performative, handles);
      case amqp.DETACH: {
        // Two detaches that cross each other, or a goodbye to what is gone, do no harm.
        const known = handles.delete(handleOf(performative));
        if (known) this.#endpoints.removed(1);
        return known;
      }
      case amqp.TRANSFER:
        if (!handles.has(handleOf(performative))) {
          throw new Violation(
            'amqp:session:unattached-handle',
            `No link has the handle ${handleOf(performative)}.`,
          );
        }
        return true;
      case amqp.DISPOSITION:
        checkOutcome(performative);
        return true;
      default:
        return true;
    }
  }

  #attach(performative: amqp.Performative, handles: Set<number>): boolean {
    keptBytes(performative);
    const handle = handleOf(performative);
    if (handle > MAX_HANDLE) {
      throw new Violation('amqp:connection:framing-error', `The highest handle is ${MAX_HANDLE}.`);
    }
    if (handles.has(handle)) {
      throw new Violation('amqp:session:handle-in-use', `The handle ${handle} is in use.`);
    }
    checkTerminus(performative, amqp.FIELD.source);
    checkTerminus(performative, amqp.FIELD.target);
    this.#endpoints.added();
    handles.add(handle);
    return true;
  }
}

function handleOf(performative: amqp.Performative): number {
  const field = amqp.FIELD.handle[performative.code as keyof typeof amqp.FIELD.handle];
  return amqp.wholeField(performative, field) ?? MAX_HANDLE + 1;
}

function keptBytes({ bytes }: amqp.Performative): void {
  if (bytes.length > MAX_KEPT_BYTES) {
    throw new Violation(
      'amqp:resource-limit-exceeded',
      `What opens a connection, a session or a link has at most ${MAX_KEPT_BYTES} bytes.`,
    );
  }
}

/** An address is text or missing. */
function checkTerminus(performative: amqp.Performative, field: number): void {
  const terminus = amqp.describedField(performative, field);
  if (!terminus || (field === amqp.FIELD.target && terminus.code === amqp.COORDINATOR)) return;
  if (terminus.code !== (field === amqp.FIELD.source ? amqp.SOURCE : amqp.TARGET)) {
    throw new Violation(
      'amqp:not-implemented',
      'The source or target of a link is of a kind that is not known here.',
    );
  }
  const { bytes } = performative;
  if (!LISTS.has(bytes[terminus.valueAt] ?? 0)) throw new MalformedError('a source or target is no list');
  const list = readCompound(bytes, terminus.valueAt);
  if (list.count > ADDRESS && !STRINGS.has(bytes[list.start] ?? 0)) {
    throw new Violation('amqp:invalid-field', 'The address of a source or target must be a string.');
  }
}

function checkOutcome(performative: amqp.Performative): void {
  const state = amqp.describedField(performative, amqp.FIELD.state);
  if (state) checkState(performative.bytes, state);
}

/** An outcome, or in a transaction a list of its id and the outcome. */
function checkState(bytes: Buffer, { code, valueAt }: ReturnType<typeof amqp.descriptorAt>): void {
  if (code === amqp.TRANSACTIONAL_STATE && LISTS.has(bytes[valueAt] ?? 0)) {
    const { start, count } = readCompound(bytes, valueAt);
    const outcomeAt = count > 1 ? skipValue(bytes, start) : undefined;
    if (outcomeAt === undefined || bytes[outcomeAt] === NULL) throw new MalformedError('no outcome is given');
    const outcome = amqp.descriptorAt(bytes, outcomeAt);
    if (outcome.code !== amqp.TRANSACTIONAL_STATE) return checkState(bytes, outcome);
  }
  if (code === undefined || code < amqp.RECEIVED || code > amqp.MODIFIED) {
    throw new Violation(
      'amqp:not-implemented',
      'The outcome of a delivery is of a kind that is not known here.',
    );
  }
  if (!LISTS.has(bytes[valueAt] ?? 0)) throw new MalformedError('an outcome is no list');
}
