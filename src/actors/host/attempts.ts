// Runs a batch of turns in the pool and contains what goes wrong there (I7): what kills a thread is tried again alone, its
// attempts counted in the state, and is poison after MAX_ATTEMPTS, or after MAX_UNFINISHED that nobody saw the end of.
import { SpanKind, trace } from '@opentelemetry/api';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import { ATTR, inSpan, SPAN } from '../../contract/telemetry.ts';
import type { TurnRequest, TurnResult } from '../../contract/turn.ts';
import { MAX_UNFINISHED } from '../protocol/unfinished.ts';
import type { ActorHost } from './host.ts';
import { canStart, type ReceivedInput } from './received-input.ts';
import type { SessionState } from './session-state.ts';
import { BOUNDS } from './session-state.ts';

/** Whose last one took a thread down while the host looked on. */
export const MAX_ATTEMPTS = 3;
/** Effects of one batch: leaves room in the state for snapshot and inbox. */
const MAX_EFFECT_BYTES = 96 * 1024;
/** The fault lies with the deployment, not with the message: never counted as an attempt. */
const NOT_THE_MESSAGE = new Set(['MODULE_NOT_LOADED', 'MACHINE_NOT_DURABLE', 'MACHINE_NOT_FOUND']);

export type TurnOutcome =
  | { readonly kind: 'ran'; readonly result: TurnResult }
  /** The batch took its thread down: run its messages one by one. */
  | { readonly kind: 'alone' }
  | { readonly kind: 'poison'; readonly error: ErrorJson; readonly attempts: number }
  | { readonly kind: 'stuck'; readonly error: ErrorJson };

/** Of gathers that end in these turns. */
export type Answers = Pick<TurnRequest, 'payloads' | 'overflow'>;

export async function runTurn(
  items: readonly ReceivedInput[],
  state: SessionState,
  actor: ActorAddress,
  host: ActorHost,
  /** The incarnation of an actor that one of the items starts. */
  newborn: string,
  commit: (state: SessionState) => Promise<void>,
  answers: Answers = {},
): Promise<TurnOutcome> {
  const [only] = items;
  let current = state;
  let failed = false;
  for (;;) {
    const suspect = items.length === 1 && only !== undefined && (failed || only.suspect === true);
    if (suspect) {
      const number = String(only.message.sequenceNumber);
      const attempts = (current.attempts[number] ?? 0) + 1;
      if (attempts > MAX_UNFINISHED) return { kind: 'poison', error: GONE, attempts: attempts - 1 };
      // An unknown actor's event is never run, and must make no state (I13).
      if (current.core !== null || canStart(only.input)) {
        current = { ...current, attempts: counted(current.attempts, number, attempts) };
        await commit(current);
      }
    }
    const response = await inPool(items, current, actor, host, newborn, answers);
    if (response.kind === 'turn') return { kind: 'ran', result: response.result };
    if (response.kind !== 'failed')
      return {
        kind: 'stuck',
        error: { code: 'MODULE_NOT_LOADED', message: 'the worker answered out of turn' },
      };
    // What only ends an actor runs nothing of its machine.
    if (NOT_THE_MESSAGE.has(response.error.code) || only?.input.kind === 'fail')
      return { kind: 'stuck', error: response.error };
    host.logger.warn(`a turn failed: ${response.error.message}`, {
      code: response.error.code,
      actor: formatAddress(actor),
    });
    if (items.length > 1) return { kind: 'alone' };
    const attempts = current.attempts[String(only?.message.sequenceNumber)] ?? 0;
    if (attempts >= MAX_ATTEMPTS) return { kind: 'poison', error: response.error, attempts };
    failed = true;
  }
}

/** Of more messages than can be in hand the oldest were settled by somebody who could not write it down. */
function counted(
  attempts: SessionState['attempts'],
  number: string,
  count: number,
): SessionState['attempts'] {
  const others = Object.entries(attempts).filter(([other]) => other !== number);
  return Object.fromEntries([...others.slice(1 - BOUNDS.attempts), [number, count]]);
}

const GONE: ErrorJson = { code: 'TURN_POISONED', message: 'the host was gone each time before it was done' };

function inPool(
  items: readonly ReceivedInput[],
  state: SessionState,
  address: ActorAddress,
  host: ActorHost,
  newborn: string,
  answers: Answers,
) {
  const request: TurnRequest = {
    machine: host.machine,
    registry: host.registry,
    address,
    state: state.core,
    inputs: items.map(({ input }) => input),
    now: host.clock.now(),
    incarnation: state.core?.incarnation ?? newborn,
    maxEffectBytes: MAX_EFFECT_BYTES,
    ...(host.onPoison === 'quarantine' ? { holdsInternal: true as const } : {}),
    ...answers,
  };
  const run = () => host.pool.run({ kind: 'turn', request }, { timeoutMs: host.turnTimeoutMs });
  // A turn is worth a span only if its batch is.
  if (trace.getActiveSpan() === undefined) return run();
  return inSpan(
    SPAN.turn(host.machine.type),
    {
      kind: SpanKind.INTERNAL,
      attributes: { [ATTR.actor]: formatAddress(address), [ATTR.turn]: state.core?.turn ?? 0 },
    },
    run,
  );
}
