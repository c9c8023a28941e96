// The pure core (I6): (machine, state, inputs, now) -> (state, effects, verdicts). No clock, no randomness, no I/O.
import type { AnyStateMachine } from 'xstate';
import type { Effect } from '../../contract/effect.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { CoreState, TurnInput, TurnRequest, TurnResult, Verdict } from '../../contract/turn.ts';
import { isInternal } from '../../contract/turn.ts';
import { shareBounds } from './bounds.ts';
import { addressesOf, Draft } from './draft.ts';
import { fail, toRejection } from './end.ts';
import { HostNeeded, type ModuleExports } from './gather.ts';
import { applyInput } from './inputs.ts';
import { jsonBytes, toSentSnapshot } from './to-json.ts';
import { TurnMachine } from './turn.ts';

/** Tells the purity guard around a batch where one turn ends and the next begins. */
export interface TurnHooks {
  /** Before each input; `turn` is the number it gets if it is applied. */
  begin(turn: number): void;
  /** Called after each input. Gives what the turn did that it may not do, also where the machine swallowed the error. */
  violation(): ErrorJson | undefined;
}

type BatchResult = Omit<TurnResult, 'threadId'>;

/** `exports`: of the module of the machine, for functions that policies name. */
export function runTurns(
  machine: AnyStateMachine,
  request: TurnRequest,
  hooks?: TurnHooks,
  exports: ModuleExports = {},
): BatchResult {
  const run = (persisting: 'once' | 'each'): BatchResult => {
    try {
      return runBatch(new TurnMachine(machine, new Draft(request, exports)), hooks, persisting);
    } catch (thrown) {
      if (!(thrown instanceof HostNeeded)) throw thrown;
      return { state: request.state, effects: [], verdicts: [], gathers: [], steps: [], ...thrown.what };
    }
  };
  try {
    return run('once');
  } catch {
    // The snapshot cannot be written down (a BigInt or a Map in the context): the same batch again, looking after every
    // input, finds the one to reject. Turns are pure, so that running them twice does no harm.
    return run('each');
  }
}

function runBatch(turn: TurnMachine, hooks: TurnHooks | undefined, persisting: 'once' | 'each'): BatchResult {
  const { draft } = turn;
  const { request } = draft;
  const verdicts: Verdict[] = [];
  let stoppedBy: ErrorJson | undefined;
  let bytes = 0;
  for (const [index, input] of request.inputs.entries()) {
    draft.applying = index;
    const taken = takeInput(turn, input, hooks, persisting);
    if (
      taken.verdict.kind === 'rejected' &&
      request.stopsAtInternal === true &&
      isFinal(input, taken.verdict)
    ) {
      stoppedBy = taken.verdict.error;
      break;
    }
    verdicts.push(taken.verdict);
    // The batch ends with its last input: no need to weigh the effects of that.
    if (index === request.inputs.length - 1) break;
    for (const effect of taken.effects) bytes += jsonBytes(effect);
    if (bytes >= request.maxEffectBytes) break;
  }
  const state = draft.changed ? toState(turn) : request.state;
  if (state !== null && draft.steps.length > 0) followUp(draft, state);
  const { effects, gathers, steps } = draft;
  return { state, effects, verdicts, gathers, steps, ...(stoppedBy === undefined ? {} : { stoppedBy }) };
}

interface Taken {
  readonly verdict: Verdict;
  readonly effects: readonly Effect[];
}

function takeInput(
  turn: TurnMachine,
  input: TurnInput,
  hooks: TurnHooks | undefined,
  persisting: 'once' | 'each',
): Taken {
  const { draft } = turn;
  const { snapshot } = turn;
  draft.begin();
  hooks?.begin(draft.turn + 1);
  let verdict: Verdict;
  try {
    verdict = applyInput(turn, input);
    if (persisting === 'each') turn.persisted();
  } catch (thrown) {
    if (thrown instanceof HostNeeded) throw thrown;
    verdict = { kind: 'rejected', error: toRejection(thrown) };
  }
  const violation = hooks?.violation();
  if (violation !== undefined) verdict = { kind: 'rejected', error: violation };
  if (verdict.kind === 'applied') {
    shareBounds(draft);
    return { verdict, effects: draft.apply() };
  }
  if (verdict.kind !== 'rejected' && verdict.kind !== 'refused') return { verdict, effects: [] };
  draft.takeBack();
  turn.putBack(snapshot);
  if (verdict.kind === 'refused') return { verdict, effects: [] };
  if (draft.request.stopsAtInternal === true || !isFinal(input, verdict)) return { verdict, effects: [] };
  const failure = fail(draft, verdict.error);
  return { verdict: { kind: 'applied', failure }, effects: draft.apply() };
}

/** Whether the machine will never be told of what this input says: nobody can send it again (I7). */
function isFinal(input: TurnInput, { error }: Extract<Verdict, { kind: 'rejected' }>): boolean {
  // The input is not at fault when the state does not fit the machine.
  return isInternal(input) && error.code !== 'STATE_INCOMPATIBLE';
}

function toState(turn: TurnMachine): CoreState | null {
  const { draft, snapshot } = turn;
  const { life, request } = draft;
  if (life === undefined) return null;
  return {
    ...life,
    turn: draft.turn,
    snapshot: turn.persisted(),
    tags: snapshot === undefined ? (request.state?.tags ?? []) : [...snapshot.tags],
    executions: draft.executionRecord(),
    timers: draft.timers.toRecord(request.state?.timers ?? {}),
    waiters: draft.waiters,
    ...(draft.asks === undefined ? {} : { asks: draft.asks }),
  };
}

/** `syncSnapshot`: the parent gets the latest snapshot, once a batch; the end itself travels as a reply. */
function followUp(draft: Draft, state: CoreState): void {
  if (state.parent?.syncSnapshot !== true || state.status !== 'active') return;
  const index = draft.effects.filter((effect) => effect.turn === draft.turn).length;
  draft.effects.push({
    turn: draft.turn,
    index,
    effect: {
      kind: 'snapshot',
      to: state.parent.reply,
      snapshot: toSentSnapshot(state, addressesOf(draft)),
    },
  });
}
