// A corpus case: an ordinary machine and a script. It says nothing of how it is run.
import type { AnyStateMachine, StateValue } from 'xstate';
import type { EventJson, Json } from '../../../src/contract/json.ts';

export type Step =
  | { readonly kind: 'start' }
  /** To the root, or to the child that `to` leads to. */
  | { readonly kind: 'send'; readonly event: EventJson; readonly to: readonly string[] }
  | { readonly kind: 'wait'; readonly ms: number };

/** What a file of ./machines writes under the name of the machine that it exports. */
export interface Script {
  readonly input?: Json;
  /** Exports of the same file that are registered as machine types of that name. */
  readonly registered?: readonly string[];
  /** Each step, and the root's state value after it. */
  readonly script: readonly (readonly [Step, StateValue])[];
  /** Part of the root's context at the end. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** All that was emitted, by whomever. */
  readonly emitted?: readonly Json[];
  /** All that was logged. */
  readonly logged?: readonly Json[];
  /** Named custom actions by name, with their params where they have any. */
  readonly acted?: readonly (string | readonly [string, Json])[];
  /** Messages of the reasons for which a start was refused: the parent is told, as under createActor. */
  readonly refused?: readonly string[];
  readonly output?: Json;
  /** How the root ends, unless it is active still. */
  readonly status?: 'done' | 'error';
}

export type Scripts = Readonly<Record<string, Script>>;

export interface Case extends Script {
  readonly name: string;
  readonly module: string;
  readonly machine: AnyStateMachine;
  readonly machines: Readonly<Record<string, AnyStateMachine>>;
}

export const start: Step = { kind: 'start' };

export function send(type: string, payload: Readonly<Record<string, Json>> = {}): Step {
  return { kind: 'send', event: { ...payload, type }, to: [] };
}

export function sendChild(
  to: string | readonly string[],
  type: string,
  payload: Readonly<Record<string, Json>> = {},
): Step {
  return { kind: 'send', event: { ...payload, type }, to: typeof to === 'string' ? [to] : to };
}

export function wait(ms: number): Step {
  return { kind: 'wait', ms };
}
