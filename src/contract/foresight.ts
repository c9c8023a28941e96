// What a redrive would come to: computed by the holder of the actor, without a commit, and told to who asked.
import type { Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import type { ActorStatus } from './turn.ts';

/** Effects of one kind for one target. */
export interface ForeseenEffect {
  /** As in the log of a turn: `task`, `event`, `start`, `timer`, `emit`, `reply`, `action`. */
  readonly kind: string;
  /** An agent, `type/id` of an actor, the type of what is emitted, the name of an action; absent where there is none, or too many. */
  readonly to?: string;
  readonly count: number;
  /** Of what they carry, as JSON. */
  readonly bytes: number;
}

/** What one attempt may use at most, by the agent's estimate and `prices`. A retry may use it again. */
export interface MayCost {
  readonly tokens: number;
  /** Absent where the model has no price. */
  readonly usd?: number;
}

/** What would become of a task's letter. */
interface ForeseenTask {
  readonly agent: string;
  /** Whether its asker still waits for the answer; `why` says why not. */
  readonly awaited: boolean;
  readonly why?: string;
}

/** What the redrive of one letter would come to, as far as it can be known. */
export type Foresight =
  /** Its actor takes it: where it is then, and what leaves. `failure`: it ends in this error. */
  | {
      readonly would: 'apply';
      readonly status: ActorStatus;
      readonly value: Json;
      readonly turn: number;
      readonly effects: readonly ForeseenEffect[];
      readonly failure?: ErrorJson;
      /** The actor is not there, and begins with it. */
      readonly starts?: true;
    }
  /** It becomes a dead letter again. */
  | { readonly would: 'fail'; readonly error: ErrorJson }
  /** Nobody waits for it any more, or it came before. */
  | { readonly would: 'drop'; readonly why: string }
  /** It waits: the actor stands still, or something comes before it. */
  | { readonly would: 'wait'; readonly why: string }
  /** Its agent does it again. `cancelled`: its asker has said that nobody waits; a redrive does it all the same. */
  | (ForeseenTask & { readonly would: 'run'; readonly cancelled?: true; readonly mayCost?: MayCost })
  /** Its agent has done it: the stored answer is sent, and nothing is paid again. */
  | (ForeseenTask & { readonly would: 'answer' })
  /** A named action of its machine runs again. */
  | { readonly would: 'act'; readonly action: string }
  /** `after`: the letter on which it depends. */
  | { readonly would: 'unknown'; readonly why: string; readonly after?: number };
