// The closed union of what a turn wants done in the world. Effects are data: the host encodes them to wire messages,
// commits them with the snapshot and only then carries them out.
import type { ActorAddress } from './address.ts';
import type { Bounds } from './bounds.ts';
import type { EventJson, Json } from './json.ts';
import type { Outcome } from './outcome.ts';
import type { ScatterPlan } from './scatter.ts';

/** Where an answer is wanted: an actor's session (a parent or peer) or a client's reply session. */
export interface ReplyAddress {
  /** Entity name without prefix: a machine type's queue or the clients' `replies` queue. */
  readonly entity: string;
  readonly sessionId: string;
  /** What the receiver correlates by: an execution id of an actor, a request id of a client. */
  readonly correlationId: string;
}

export type Effect =
  /** One task for one agent. `execution` identifies this asking; its reply comes back with it. */
  | {
      readonly kind: 'task';
      readonly execution: string;
      readonly agent: string;
      readonly input: Json;
      readonly deadlineAt: number;
      readonly offerTtlMs?: number;
      /** The task is done also when nobody waits for it any more. */
      readonly cancel?: 'ignore';
      /** For a machine's own promise logic: `agent` is `<type>.<src>` then, and no agent of that name need exist. */
      readonly logic?: { readonly type: string; readonly src: string };
    }
  /** A fan-out: one effect, expanded to `total` tasks by the publisher. */
  | {
      readonly kind: 'scatter';
      readonly execution: string;
      readonly plan: ScatterPlan;
      readonly total: number;
      readonly deadlineAt: number;
    }
  | {
      readonly kind: 'startChild';
      readonly execution: string;
      readonly address: ActorAddress;
      /** The id that the parent's machine knows it by. */
      readonly childId: string;
      readonly input: Json;
      readonly syncSnapshot: boolean;
      /** What is left to it of the bounds of its run. */
      readonly bounds?: Bounds;
      /** Actors that the child finds by system id; absent = none. */
      readonly system?: Readonly<Record<string, ActorAddress>>;
    }
  | { readonly kind: 'stopChild'; readonly execution: string; readonly address: ActorAddress }
  | { readonly kind: 'send'; readonly to: ActorAddress; readonly event: EventJson }
  /** A message to the actor's own session, visible at `dueAt` (epoch ms). Counts only while `token` is in the state. */
  | { readonly kind: 'timer'; readonly token: string; readonly dueAt: number }
  /** Best effort: take the scheduled message back. The state has already forgotten the token. */
  | { readonly kind: 'cancelTimer'; readonly token: string }
  /** The child's latest snapshot for a parent that asked to follow it; at most one a batch. */
  | { readonly kind: 'snapshot'; readonly to: ReplyAddress; readonly snapshot: Json }
  | {
      readonly kind: 'reply';
      readonly to: ReplyAddress;
      readonly outcome: Outcome;
      /** To the parent: tasks of its allotment that it did not ask for. */
      readonly tasksLeft?: number;
    }
  | { readonly kind: 'emit'; readonly event: EventJson }
  | { readonly kind: 'log'; readonly label: string | null; readonly value: Json }
  /** A named custom action, run in a worker after the commit with the committed context, at least once. */
  | { readonly kind: 'action'; readonly name: string; readonly params: Json; readonly event: EventJson };
