// The thread protocol: tagged unions, no logic. One request is one Piscina task of `src/actors/worker`.
import type { EventJson, Json } from './json.ts';
import type { ErrorJson, Outcome } from './outcome.ts';
import type { TraceCarrier } from './trace.ts';
import type { CoreState, MachineRef, TurnRequest, TurnResult } from './turn.ts';

export type WorkerRequest =
  | { readonly kind: 'turn'; readonly request: TurnRequest }
  /** Turns of several actors in one message to a thread: it costs more than a turn. None knows of the others. */
  | { readonly kind: 'turns'; readonly requests: readonly TurnRequest[] }
  /** A turn that is never committed: nothing waits for it but who asked what would happen. */
  | { readonly kind: 'rehearsal'; readonly request: TurnRequest }
  /** Loads a module and says what it holds; refuses what cannot be durable. */
  | { readonly kind: 'describe'; readonly machine: MachineRef }
  /** Moves an actor from another version of its machine to this one, by the machine's own function if it has one. */
  | {
      readonly kind: 'migrate';
      readonly request: TurnRequest & { readonly state: CoreState };
      readonly export?: string;
      readonly from: string;
    }
  /** Runs a named custom action after its commit. */
  | {
      readonly kind: 'action';
      readonly machine: MachineRef;
      readonly name: string;
      readonly params: Json;
      readonly event: EventJson;
      readonly context: Json;
    }
  /** Runs a machine's own promise logic as an agent. */
  | {
      readonly kind: 'promise';
      readonly machine: MachineRef;
      readonly src: string;
      readonly input: Json;
      readonly trace?: TraceCarrier;
    }
  /** Runs a CPU agent's module. */
  | {
      readonly kind: 'agent';
      readonly module: string;
      readonly export: string;
      readonly input: Json;
      readonly key: string;
      readonly attempt: number;
      readonly deadlineAt: number;
      readonly trace?: TraceCarrier;
      /** A message port of the pool's: what is said while it runs. */
      readonly line?: object;
    };

/** In the environment of a worker: what OTEL_SDK_DISABLED was before the pool set it. */
export const SDK_HELD_BACK = 'QUORATE_OTEL_SDK_DISABLED';

/** To a CPU agent that runs: its signal aborts. */
export interface ToAgent {
  readonly abort: ErrorJson;
}

/** From a CPU agent that runs. `usage` and `chunk` as they were given; 'end' is the last. */
export type FromAgent =
  | { readonly kind: 'usage'; readonly usage: unknown }
  | { readonly kind: 'stream'; readonly chunk: unknown }
  | { readonly kind: 'end' };

export type WorkerResponse =
  | { readonly kind: 'turn'; readonly result: TurnResult }
  /** One a request, in their order; `tookMs` for all of them. */
  | { readonly kind: 'turns'; readonly responses: readonly WorkerResponse[]; readonly tookMs: number }
  | { readonly kind: 'described'; readonly description: MachineDescription }
  | { readonly kind: 'migrated'; readonly state: CoreState; readonly effects: TurnResult['effects'] }
  | { readonly kind: 'outcome'; readonly outcome: Outcome; readonly threadId: number }
  /** The request could not be served at all: coded, never thrown across the thread. */
  | { readonly kind: 'failed'; readonly error: ErrorJson };

/** What `describe` finds in a machine: enough to declare its topology, draw it and register it with an inspector. */
export interface MachineDescription {
  readonly machine: MachineRef;
  readonly id: string;
  /** JSON of `machine.config`, functions as `{ type: name }`: what `createMachine` accepts and the inspector shows. */
  readonly definition: Json;
  /** `toDirectedGraph(machine)` as JSON, for drawing. */
  readonly graph: Json;
  readonly events: readonly string[];
  /** Whether it has named actions, which run after the commit, in a worker. */
  readonly hasActions: boolean;
  /** Some of its states ask people. */
  readonly asks?: true;
  /** Sources invoked or spawned by name, and what each is. */
  readonly sources: readonly SourceDescription[];
}

export type SourceDescription =
  | { readonly src: string; readonly kind: 'promise' }
  | { readonly src: string; readonly kind: 'scatter' }
  /** A machine among `implementations.actors`: registered as type `<type>.<src>`. */
  | { readonly src: string; readonly kind: 'machine'; readonly description: MachineDescription }
  /** Nothing that Quorate could run: must be an agent or a registered machine type, else the machine is refused with this. */
  | { readonly src: string; readonly kind: 'unresolved'; readonly error: ErrorJson };
