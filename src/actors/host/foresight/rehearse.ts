// One message tried out: what it would come to if it came now, by the same stages as a real one (sort, run, next state), with
// nothing committed, published, settled, counted or stored. It works on a scene: the actor as it would be after what came before.
import { toErrorJson } from '../../../contract/errors.ts';
import type { Foresight } from '../../../contract/foresight.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { PayloadRef, Payloads } from '../../../contract/payload.ts';
import type { Disposition } from '../../../contract/ports.ts';
import { isInternal, type TurnRequest, type TurnResult, type Verdict } from '../../../contract/turn.ts';
import type { InboundMessage } from '../../../contract/wire.ts';
import { jsonBytes } from '../../protocol/claims.ts';
import { claimNext, isTooLarge } from '../commit/claim-entries.ts';
import { type NextState, nextState } from '../commit/next-state.ts';
import type { ActorView } from '../held-actor.ts';
import { MAX_ATTEMPTS, NOT_THE_MESSAGE, toTurnRequest } from '../run/attempts.ts';
import { keepAnswers, overflowOf, readAnswers, stow } from '../run/gather-values.ts';
import type { ReceivedInput } from '../sort/inbox.ts';
import type { OlderPeers } from '../sort/peers.ts';
import { type Part, sort } from '../sort/sort.ts';
import { endsTombstone } from '../sort/tombstone.ts';
import { isStandingStill } from '../standstill/quarantine.ts';
import { emptyState, type SessionState } from '../state/session-state.ts';
import { effectsOf } from './foreseen-effects.ts';

/** `host` stores nothing (`storesNothing`). */
export interface Scene extends ActorView {
  readonly newborn: string;
  readonly epoch: string;
  readonly inbound: string;
  readonly olderPeers: OlderPeers;
}

export interface Rehearsed {
  readonly foresight: Foresight;
  /** The scene after it. */
  readonly state: SessionState;
  readonly result?: TurnResult;
}

const NONE: ReadonlySet<number> = new Set();

/** Throws what the storage threw. */
export async function rehearse(scene: Scene, message: InboundMessage): Promise<Rehearsed> {
  const { state, host, newborn, inbound, olderPeers } = scene;
  const stays = (foresight: Foresight): Rehearsed => ({ foresight, state });
  const part = await sort([message], {
    state,
    settled: NONE,
    olderPeers,
    newborn,
    fetched: NONE,
    payloads: host.payloads,
    inbound,
    unpriced: host.unpriced,
    admission: host.admission,
  });
  const received = inputOf(part);
  if (received === undefined) return stays(withoutTurn(part));
  if (isStandingStill(state)) {
    const { code = '', message: why = '' } = state.quarantine ?? {};
    return stays({ would: 'wait', why: `the actor stands still: ${code}: ${why}` });
  }
  if (endsTombstone(state, received.input)) {
    const why = 'its retention time is over: the actor is forgotten';
    return { foresight: { would: 'drop', why }, state: emptyState(state.type, state.version) };
  }
  const [kept = received] = await keepAnswers(scene, [received]);
  return tryOut(scene, kept, {});
}

function inputOf({ inputs, next }: Part): ReceivedInput | undefined {
  if (next?.kind === 'alone' || next?.kind === 'answer') return next.received;
  return inputs[0];
}

/** What no machine sees. */
function withoutTurn({ settlements, strays, refusals, usages, queries, watches, next }: Part): Foresight {
  const [settlement] = settlements;
  if (settlement?.disposition.kind === 'deadLetter') return failed(settlement.disposition);
  const [refusal] = refusals;
  if (refusal !== undefined) return { would: 'fail', error: refusal.error };
  if (strays.length > 0) return { would: 'drop', why: 'it is for an earlier life of the actor' };
  if (usages.length > 0) return { would: 'drop', why: 'what was used goes to the books of the actor' };
  if (queries.length > 0 || watches.length > 0)
    return { would: 'drop', why: 'a question: it is answered, and changes nothing' };
  if (settlement !== undefined) return { would: 'drop', why: 'the actor has taken it before' };
  return { would: 'unknown', why: `a ${next?.kind ?? 'message of the runtime'} is not tried out` };
}

type Answers = Pick<TurnRequest, 'payloads' | 'overflow' | 'stowed'>;

async function tryOut(scene: Scene, received: ReceivedInput, answers: Answers): Promise<Rehearsed> {
  const { state, host, address: actor, newborn } = scene;
  const stays = (foresight: Foresight): Rehearsed => ({ foresight, state });
  const run = { received: [received], actor, host, newborn, answers, usages: [] };
  const response = await host.pool.run(
    { kind: 'rehearsal', request: toTurnRequest(run, state) },
    { timeoutMs: host.turnTimeoutMs },
  );
  if (response.kind !== 'turn') {
    const error =
      response.kind === 'failed' ? response.error : { code: 'INTERNAL', message: 'an answer out of turn' };
    // Nobody has tried it out: the pool was closed.
    if (error.code === 'ABORTED') return stays({ would: 'unknown', why: error.message });
    if (NOT_THE_MESSAGE.has(error.code) || received.input.kind === 'fail')
      return stays({ would: 'wait', why: `its machine cannot run here: ${error.code}: ${error.message}` });
    return refuse(scene, received, {
      code: 'TURN_POISONED',
      message: `${error.code}: ${error.message}; it would be tried ${MAX_ATTEMPTS} times`,
    });
  }
  const { result } = response;
  if (result.stow !== undefined)
    return tryOut(scene, received, {
      ...answers,
      stowed: { ...answers.stowed, ...(await stow(scene, result.stow)) },
    });
  if (result.needs !== undefined) {
    const read = await readAnswers(scene, result.needs);
    return read.kind === 'values'
      ? tryOut(scene, received, { ...answers, payloads: { ...answers.payloads, ...read.values } })
      : unfit(scene, received, answers, read.error);
  }
  return conclude(scene, received, answers, result);
}

async function conclude(
  scene: Scene,
  received: ReceivedInput,
  answers: Answers,
  result: TurnResult,
): Promise<Rehearsed> {
  const { state, host, address: actor, epoch } = scene;
  const [verdict] = result.verdicts;
  const stops = verdict === undefined ? result.stoppedBy : incompatible(verdict);
  if (verdict === undefined || stops !== undefined) {
    const { code, message } = stops ?? { code: 'INTERNAL', message: 'no verdict' };
    return { state, foresight: { would: 'wait', why: `the actor would stand still: ${code}: ${message}` } };
  }
  let next: NextState;
  try {
    const unclaimed = nextState(state, [received], result, {
      ...host,
      actor,
      epoch,
      now: host.clock.now(),
      settled: NONE,
      version: host.machine.version,
      machines: host.registry.machines,
      scope: host.payloads.scope,
    });
    next = (await claimNext(unclaimed, host, actor)).next;
  } catch (thrown) {
    const error = toErrorJson(thrown, 'MACHINE_THREW');
    if (error.code === 'CONNECTION_FAILED') throw thrown;
    return isTooLarge(error) ? unfit(scene, received, answers, error) : refuse(scene, received, error);
  }
  const disposition = next.settlements[0]?.disposition;
  if (disposition?.kind === 'deadLetter') return { state, foresight: failed(disposition) };
  if (disposition?.kind === 'defer')
    return { state, foresight: { would: 'wait', why: 'a piece of the answer before it has not come' } };
  const after = next.state ?? state;
  if (verdict.kind !== 'applied' || after.core === null)
    return { state, foresight: { would: 'drop', why: whyDropped(verdict) } };
  const { status, snapshot, turn } = after.core;
  const { value = null } = snapshot as { readonly value?: Json };
  return {
    state: after,
    result,
    foresight: {
      would: 'apply',
      status,
      value,
      turn,
      effects: effectsOf(result.effects),
      ...(verdict.failure === undefined ? {} : { failure: verdict.failure }),
      ...(state.core === null ? { starts: true as const } : {}),
    },
  };
}

/** What does not fit ends the gather whose answers it is about; it is the message's own fault otherwise. */
async function unfit(
  scene: Scene,
  received: ReceivedInput,
  answers: Answers,
  error: ErrorJson,
): Promise<Rehearsed> {
  const overflow = await overflowOf(scene, received, error, answers.overflow);
  return overflow === undefined
    ? refuse(scene, received, error)
    : tryOut(scene, received, { ...answers, overflow });
}

/** As apply-inputs.ts does (I7). */
async function refuse(scene: Scene, { message, input }: ReceivedInput, error: ErrorJson): Promise<Rehearsed> {
  const { state, host } = scene;
  if (!isInternal(input)) return { state, foresight: { would: 'fail', error } };
  if (host.onPoison === 'quarantine') {
    const why = `the actor would stand still: ${error.code}: ${error.message}`;
    return { state, foresight: { would: 'wait', why } };
  }
  return tryOut(scene, { message, input: { kind: 'fail', input, error } }, {});
}

function failed({ reason, description }: Extract<Disposition, { kind: 'deadLetter' }>): Foresight {
  return { would: 'fail', error: { code: reason, message: description } };
}

function incompatible(verdict: Verdict): ErrorJson | undefined {
  return verdict.kind === 'rejected' && verdict.error.code === 'STATE_INCOMPATIBLE'
    ? verdict.error
    : undefined;
}

function whyDropped(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'stale':
      return verdict.why;
    case 'exists':
      return 'the actor is there already';
    case 'unknown':
      return 'there is no such actor: it was never started, or is forgotten';
    default:
      return 'nobody waits for it';
  }
}

/** Gives what it has put itself; the store is only read. */
export function storesNothing(payloads: Payloads): Payloads {
  const put = new Map<string, Json>();
  return {
    scope: payloads.scope,
    put: async (folder, name, value): Promise<PayloadRef> => {
      const path = `${folder}/${name}`;
      put.set(path, value);
      const count = Array.isArray(value) ? { count: value.length } : {};
      return { $payload: path, bytes: jsonBytes(value), ...count };
    },
    get: async (ref) => put.get(ref.$payload) ?? payloads.get(ref),
    remove: async () => {},
    removeFolder: async () => {},
    seal: () => payloads.seal(),
  };
}
