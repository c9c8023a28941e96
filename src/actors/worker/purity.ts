// The purity guard (I6): while a turn runs in this thread, the clock stands, randomness follows from (actor, incarnation,
// turn), and I/O throws. Installed once, before any machine is loaded, so that a captured `Date.now` is guarded too;
// outside turns everything is what it was.
import { syncBuiltinESMExports } from 'node:module';
import { formatAddress } from '../../contract/address.ts';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { TurnRequest } from '../../contract/turn.ts';
import type { TurnHooks } from '../core/run-turns.ts';
import { guardClock } from './guard-clock.ts';
import { guardIo } from './guard-io.ts';
import { guardRandom } from './guard-random.ts';
import { createRandom, type Random, type TurnWindow } from './turn-window.ts';

interface OpenWindow {
  readonly now: number;
  readonly seed: string;
  turn: number;
  random: Random | undefined;
  violation: ErrorJson | undefined;
}

let open: OpenWindow | undefined;

const turnWindow: TurnWindow = {
  now: () => open?.now,
  random() {
    if (open === undefined) return undefined;
    open.random ??= createRandom(`${open.seed}#${open.turn}`);
    return open.random;
  },
  forbid(what) {
    if (open === undefined) return;
    const error = new QuorateError('IMPURE_TURN', `the machine called ${what} inside a turn`);
    open.violation ??= toErrorJson(error, error.code);
    throw error;
  },
};

export function installPurityGuard(): void {
  guardClock(turnWindow);
  guardRandom(turnWindow);
  guardIo(turnWindow);
  syncBuiltinESMExports();
}

/** Runs a batch of turns inside the guard. Synchronous: nothing else runs in this thread meanwhile. */
export function runGuarded<T>(request: TurnRequest, run: (hooks: TurnHooks) => T): T {
  const incarnation = request.state?.incarnation ?? request.incarnation;
  const turns: OpenWindow = {
    now: request.now,
    seed: `${formatAddress(request.address)}#${incarnation}`,
    turn: 0,
    random: undefined,
    violation: undefined,
  };
  open = turns;
  try {
    return run({
      begin(turn) {
        turns.turn = turn;
        turns.random = undefined;
        turns.violation = undefined;
      },
      violation: () => turns.violation,
    });
  } finally {
    open = undefined;
  }
}
