// Pieces of an answer that came before those they follow: they wait in the broker, deferred, and the state knows each by what it
// waits for. They are fetched when their turn has come, or when nobody waits for them any more.
import type { TurnInput } from '../../../contract/turn.ts';
import type { SessionState } from '../state/session-state.ts';

type Reply = Extract<TurnInput, { kind: 'reply' }>;

export function pieceKey(execution: string, branch: number, seq: number): string {
  return `${execution}/${branch}/${seq}`;
}

/** Numbers of deferred messages whose turn has come, or that nobody waits for any more. */
export function duePieces(state: SessionState): number[] {
  return Object.entries(state.deferred).flatMap(([key, number]) => {
    const [execution = '', branch = '0', seq = '0'] = key.split('/');
    const waiting = state.core?.executions[execution];
    return waiting !== undefined && (waiting.nextPartial?.[branch] ?? 0) < Number(seq) ? [] : [number];
  });
}

/** Whether pieces of the answer that ends here came early: they are applied before it. `before`: inputs that are applied first. */
export function hasEarlyPieces(
  state: SessionState,
  before: readonly { readonly input: TurnInput }[],
  { execution, branch = 0 }: Reply,
): boolean {
  const prefix = pieceKey(execution, branch, 0).slice(0, -1);
  if (Object.keys(state.deferred).some((key) => key.startsWith(prefix))) return true;
  let expected = state.core?.executions[execution]?.nextPartial?.[branch] ?? 0;
  return before.some(
    ({ input }) =>
      input.kind === 'partial' &&
      input.execution === execution &&
      (input.branch ?? 0) === branch &&
      input.seq !== expected++,
  );
}

/** Whether the state records this message as deferred, and not yet as applied. */
export function isDeferral(state: SessionState, number: number): boolean {
  return state.inbox.unsettled.some(([known, { kind }]) => known === number && kind === 'defer');
}

/** The state without pieces that are gone from the broker: a holder completed them and could not record it. */
export function withoutPieces(state: SessionState, gone: ReadonlySet<number>): SessionState {
  const deferred = Object.entries(state.deferred).filter(([, number]) => !gone.has(number));
  return { ...state, deferred: Object.fromEntries(deferred) };
}
