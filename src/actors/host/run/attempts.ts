// Runs a batch of turns in the pool and contains what goes wrong there (I7). A message that kills a thread is tried again
// alone, its attempts counted in the state. It is poison after MAX_ATTEMPTS, or after MAX_UNFINISHED attempts whose end
// nobody saw.
import { trace } from '@opentelemetry/api';
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Overflow, TurnRequest, TurnResult } from '../../../contract/turn.ts';
import { isTracing, traceNow } from '../../../observability/telemetry.ts';
import { MAX_UNFINISHED } from '../../protocol/retries.ts';
import { withSpent } from '../commit/book.ts';
import type { HeldActor } from '../held-actor.ts';
import type { ActorHost } from '../host.ts';
import { canStart, type Noted, type ReceivedInput } from '../sort/inbox.ts';
import { BOUNDS, type SessionState } from '../state/session-state.ts';
import { type Read, readAnswers, stow } from './gather-values.ts';
import { inTurnSpan } from './turn-span.ts';

/** After so many attempts, if the last one ended its thread while the host was alive. */
export const MAX_ATTEMPTS = 3;
/** Effects of one batch: leaves room in the state for snapshot and inbox. */
const MAX_EFFECT_BYTES = 96 * 1024;
/** The fault lies with the deployment, not with the message: never counted as an attempt. */
export const NOT_THE_MESSAGE: ReadonlySet<string> = new Set([
  'MODULE_NOT_LOADED',
  'MACHINE_NOT_DURABLE',
  'MACHINE_NOT_FOUND',
]);

export type RunOutcome =
  | { readonly kind: 'ran'; readonly result: TurnResult }
  /** Together they took their thread down: run the messages one by one. */
  | { readonly kind: 'alone' }
  | { readonly kind: 'poison'; readonly error: ErrorJson; readonly attempts: number }
  | { readonly kind: 'stuck'; readonly error: ErrorJson };

interface Run {
  readonly received: readonly ReceivedInput[];
  readonly state: SessionState;
  readonly actor: ActorAddress;
  readonly host: ActorHost;
  /** The incarnation of an actor that one of these starts. */
  readonly newborn: string;
  /** Values of the gathers that end in these turns. */
  readonly answers: Pick<TurnRequest, 'payloads' | 'overflow' | 'stowed'>;
  /** What branches used, told in this batch. */
  readonly usages: readonly Noted[];
  /** Its batch has a span, and its actor is not over in it. */
  readonly isTraced: boolean;
  /** Commits the attempts, before one begins. */
  readonly commit: (state: SessionState) => Promise<void>;
}

/** Runs the turns of these inputs, with the values that their gathers hand out. Throws what the storage threw. */
export async function runWithAnswers(
  held: HeldActor,
  received: readonly ReceivedInput[],
  overflow: Overflow | undefined,
): Promise<RunOutcome | Extract<Read, { kind: 'unfit' }>> {
  let answers: Run['answers'] = overflow === undefined ? {} : { overflow };
  for (;;) {
    const { state, address: actor, host, newborn } = held;
    const outcome = await runWithAttempts({
      received,
      state,
      actor,
      host,
      newborn,
      answers,
      usages: held.unbooked,
      isTraced: held.trace !== undefined && held.trace.overAt === undefined,
      commit: (next) => held.commit(next),
    });
    if (outcome.kind !== 'ran') return outcome;
    const { needs, stow: list } = outcome.result;
    if (list !== undefined) {
      answers = { ...answers, stowed: { ...answers.stowed, ...(await stow(held, list)) } };
      continue;
    }
    if (needs === undefined) return outcome;
    const read = await readAnswers(held, needs);
    if (read.kind === 'unfit') return read;
    answers = { ...answers, payloads: { ...answers.payloads, ...read.values } };
  }
}

/** Runs the turns of these inputs together; one that is alone and suspect as often as MAX_ATTEMPTS allows. */
async function runWithAttempts(run: Run): Promise<RunOutcome> {
  const { received, actor, host, commit } = run;
  const [only] = received;
  let { state } = run;
  let failed = false;
  for (;;) {
    if (received.length === 1 && only !== undefined && (failed || only.suspect === true)) {
      const number = String(only.message.sequenceNumber);
      const attempts = (state.attempts[number] ?? 0) + 1;
      if (attempts > MAX_UNFINISHED) return { kind: 'poison', error: GONE, attempts: attempts - 1 };
      // An unknown actor's event is never run, and must make no state (I13).
      if (state.core !== null || canStart(only.input)) {
        state = { ...state, attempts: counted(state.attempts, number, attempts) };
        await commit(state);
      }
    }
    const response = await inPool(run, state);
    if (response.kind === 'turn') return { kind: 'ran', result: response.result };
    if (response.kind !== 'failed')
      return {
        kind: 'stuck',
        error: { code: 'MODULE_NOT_LOADED', message: 'the worker answered out of turn' },
      };
    const { error } = response;
    // What only ends an actor runs nothing of its machine.
    if (NOT_THE_MESSAGE.has(error.code) || only?.input.kind === 'fail') return { kind: 'stuck', error };
    host.logger.warn(`a turn failed: ${error.message}`, { code: error.code, actor: formatAddress(actor) });
    if (received.length > 1) return { kind: 'alone' };
    const attempts = state.attempts[String(only?.message.sequenceNumber)] ?? 0;
    if (attempts >= MAX_ATTEMPTS) return { kind: 'poison', error, attempts };
    failed = true;
  }
}

/**
 * Keeps the newest counts: of more messages than can be in hand, the oldest were settled by a holder that could not record
 * it.
 */
function counted(
  attempts: SessionState['attempts'],
  number: string,
  count: number,
): SessionState['attempts'] {
  const others = Object.entries(attempts).filter(([other]) => other !== number);
  return Object.fromEntries([...others.slice(1 - BOUNDS.attempts), [number, count]]);
}

const GONE: ErrorJson = { code: 'TURN_POISONED', message: 'the host was gone each time before it was done' };

type Turned = Pick<Run, 'received' | 'actor' | 'host' | 'newborn' | 'answers' | 'usages'>;

export function toTurnRequest(
  { received, actor, host, newborn, answers, usages }: Turned,
  state: SessionState,
): TurnRequest {
  return {
    machine: host.machine,
    registry: host.registry,
    address: actor,
    state: withSpent(state.core, usages),
    inputs: received.map(({ input }) => input),
    now: host.clock.now(),
    ...(isTracing() ? { tracedAt: traceNow() } : {}),
    incarnation: state.core?.incarnation ?? newborn,
    maxEffectBytes: MAX_EFFECT_BYTES,
    ...(host.onPoison === 'quarantine' ? { stopsAtInternal: true as const } : {}),
    ...answers,
  };
}

async function inPool(run: Run, state: SessionState) {
  const sentAt = performance.now();
  const response = await send(run, state);
  run.host.metrics.turnDuration.record((performance.now() - sentAt) / 1_000);
  return response;
}

function send(run: Run, state: SessionState) {
  const { actor, host } = run;
  const request = toTurnRequest(run, state);
  const begin = () => host.pool.run({ kind: 'turn', request }, { timeoutMs: host.turnTimeoutMs });
  // A turn is worth a span only if its batch is.
  if (!run.isTraced || trace.getActiveSpan() === undefined) return begin();
  return inTurnSpan({ machine: host.machine, actor, core: state.core, inputs: request.inputs }, begin);
}
