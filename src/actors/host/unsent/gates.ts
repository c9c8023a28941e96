// Gates: who says how much of what is unsent may leave now. A gate is a pure function over what the state knows (a budget, the grants
// of a lane); the runtime makes those that its configuration asks for. Without one nothing waits but what is larger than a slice.
import type { ActorAddress } from '../../../contract/address.ts';
import type { GrantedBody } from '../../../contract/wire.ts';
import type {
  ControlState,
  OutboxEntry,
  ScatterEntry,
  TaskEntry,
  UnsentEntry,
} from '../state/session-state.ts';

export interface GateContext {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  readonly now: number;
  /** How many tasks of this work the other gates would let leave now. */
  readonly others: (work: UnsentEntry) => number;
}

export interface Gate {
  /** Whether work for these agents has to pass it. What does has no deadline until it leaves. */
  readonly holds: (control: ControlState | undefined, agents: readonly string[]) => boolean;
  /** How many of the next `most` tasks of this work may leave now, from its cursor on. */
  readonly grants: (control: ControlState, work: UnsentEntry, most: number) => number;
  /** Once so many leave; `work` as it was before. */
  readonly taken: (control: ControlState, work: UnsentEntry, count: number) => ControlState;
  /** It says only when: what has to be done in any case passes once nobody waits for it any more. */
  readonly ordersOnly?: true;
  /** What it has to tell others of what waits, or has ended waiting. Asked at each commit of an actor that has something unsent. */
  readonly asks?: (control: ControlState, unsent: readonly UnsentEntry[], context: GateContext) => Asked;
  /** A grant that came. Undefined: it is for another gate. */
  readonly granted?: (control: ControlState, grant: GrantedBody) => ControlState | undefined;
}

export interface Asked {
  readonly control: ControlState;
  readonly entries: readonly OutboxEntry[];
}

export function isHeld(
  gates: readonly Gate[],
  control: ControlState | undefined,
  agents: readonly string[],
): boolean {
  return gates.some((gate) => gate.holds(control, agents));
}

/** None of a broadcast: its branches are names of subscriptions. */
export function agentsOf(work: Pick<ScatterEntry, 'agents' | 'topic'> | TaskEntry): readonly string[] {
  return 'topic' in work && work.topic !== undefined ? [] : work.agents;
}

/** The least that all of them grant. */
export function granted(
  gates: readonly Gate[],
  control: ControlState,
  work: UnsentEntry,
  most: number,
): number {
  let count = Math.min(most, work.total - work.cursor);
  for (const gate of gates) {
    if (count <= 0) return 0;
    if (gate.holds(control, agentsOf(work))) count = Math.min(count, gate.grants(control, work, count));
  }
  return Math.max(0, count);
}

export function taken(
  gates: readonly Gate[],
  control: ControlState,
  work: UnsentEntry,
  count: number,
): ControlState {
  return gates.reduce(
    (known, gate) => (gate.holds(known, agentsOf(work)) ? gate.taken(known, work, count) : known),
    control,
  );
}
