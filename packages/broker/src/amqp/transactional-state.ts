// Transactions as they look in frames, whose types rhea knows none of, and the link to the coordinator, over which a client
// declares and discharges them.
import { AMQP_VALUE, eachSection, scanSections } from '../codec/sections.ts';
import { DESCRIBED, readCompound, readScalar, skipValue } from '../codec/values.ts';
import { verifiedMessage } from '../codec/verify-message.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import { accepted, rejected, settleDelivery } from './dispositions.ts';
import { COORDINATOR, TRANSACTIONAL_STATE } from './performatives.ts';
import { type Delivery, localAttach, type Receiver, types } from './rhea.ts';
import type { Transactions } from './transactions.ts';

const DECLARE = 0x31;
const DISCHARGE = 0x32;
const DECLARED = 0x33;

const NAMES: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  'amqp:coordinator:list': COORDINATOR,
  'amqp:declare:list': DECLARE,
  'amqp:discharge:list': DISCHARGE,
  'amqp:transactional-state:list': TRANSACTIONAL_STATE,
});

/** A described value as rhea decodes it where it knows no better. */
interface Described {
  readonly descriptor: { readonly value: unknown };
  readonly value: unknown;
}

interface TransactionalState {
  readonly id: Buffer;
  readonly outcome: unknown;
}

type CoordinatorRequest = { kind: 'declare' } | { kind: 'discharge'; id: Buffer; fail: boolean };

export function isCoordinator(target: unknown): boolean {
  return codeOf(target) === COORDINATOR;
}

export function transactionalState(state: unknown): TransactionalState | undefined {
  if (codeOf(state) !== TRANSACTIONAL_STATE) return undefined;
  const { value: items } = state as Described;
  const [id, outcome] = (Array.isArray(items) ? items : []) as [{ value?: unknown } | undefined, unknown];
  return Buffer.isBuffer(id?.value) ? { id: id.value, outcome } : undefined;
}

/** The transaction that a message is sent in. rhea leaves the list of its state, which begins so in a transaction alone. */
export function transactionOfTransfer({ remote_state: state }: Delivery): Buffer | undefined {
  const [id] = Array.isArray(state) ? (state as unknown[]) : [];
  return Buffer.isBuffer(id) ? id : undefined;
}

/** What a message to a coordinator asks for, from its bytes; throws on bytes that are no message. */
function coordinatorRequest(encoded: Buffer): CoordinatorRequest | undefined {
  const [body] = eachSection(encoded, scanSections(encoded).bodyStart);
  if (body?.code !== AMQP_VALUE || encoded[body.valueAt] !== DESCRIBED) return undefined;
  const name = readScalar(encoded, body.valueAt + 1);
  const code = typeof name === 'string' ? NAMES[name] : name;
  if (code === DECLARE) return { kind: 'declare' };
  if (code !== DISCHARGE) return undefined;
  const [id, fail] = scalarsOf(encoded, skipValue(encoded, body.valueAt + 1));
  return Buffer.isBuffer(id) ? { kind: 'discharge', id, fail: fail === true } : undefined;
}

function scalarsOf(bytes: Buffer, listAt: number): unknown[] {
  const { start, count } = readCompound(bytes, listAt);
  const scalars: unknown[] = [];
  for (let at = start; scalars.length < count; at = skipValue(bytes, at)) scalars.push(readScalar(bytes, at));
  return scalars;
}

function coordinator(): unknown {
  const capabilities = types.wrap_array([types.wrap_symbol('amqp:local-transactions')], 0xa3, undefined);
  return described(COORDINATOR, [capabilities]);
}

function declared(id: Buffer): unknown {
  return described(DECLARED, [types.wrap_binary(id)]);
}

export function provisional(id: Buffer, outcome: unknown): unknown {
  return described(TRANSACTIONAL_STATE, [types.wrap_binary(id), outcome]);
}

function described(code: number, items: unknown[]): unknown {
  return types.wrap_described(types.wrap_list(items), code);
}

function codeOf(value: unknown): number | undefined {
  const { descriptor } = (value ?? {}) as Partial<Described>;
  const name = descriptor?.value;
  if (typeof name === 'string') return NAMES[name];
  return typeof name === 'number' ? name : undefined;
}

// A client's link to the coordinator: declares and discharges transactions.

const CREDIT = 100;

export function serveCoordinator(receiver: Receiver, transactions: Transactions): void {
  localAttach(receiver).target = coordinator();
  receiver.add_credit(CREDIT);
  receiver.on('message', ({ message, delivery }) => {
    receiver.add_credit(1);
    const answer = (state: unknown) => settleDelivery(delivery as Delivery, state);
    const request = toRequest(message);
    if (request instanceof ServiceError) return answer(rejected(request));
    if (request.kind === 'declare') {
      const id = transactions.declare(receiver);
      return answer(id instanceof ServiceError ? rejected(id) : declared(id));
    }
    transactions.discharge(request.id, request.fail, (error) => answer(error ? rejected(error) : accepted));
  });
}

function toRequest(encoded: Buffer) {
  try {
    const request = coordinatorRequest(verifiedMessage(encoded));
    if (request) return request;
  } catch {
    // Whatever it is, it is not a request.
  }
  return serviceErrors.invalid('A coordinator takes declare and discharge.');
}
