// What both ways of running a case must agree on after every step, with what differs by nature made alike: errors are
// compared by message, references to actors by being one, and undefined is what JSON makes of it.
import type { Json } from '../../../src/contract/json.ts';

export interface View {
  readonly status: string;
  readonly value: Json;
  readonly context: Json;
  readonly tags: readonly string[];
  readonly output?: Json;
  readonly error?: Json;
}

export interface Observation {
  /** The root and its living descendants by path. */
  readonly actors: Readonly<Record<string, View>>;
  readonly emitted: readonly (readonly [string, Json])[];
  readonly logged: readonly (readonly [string | null, Json])[];
  readonly acted: readonly (readonly [string, string, Json])[];
}

export const ROOT = 'root';

export class Ledger {
  emitted: (readonly [string, Json])[] = [];
  logged: (readonly [string | null, Json])[] = [];
  acted: (readonly [string, string, Json])[] = [];

  take(actors: Observation['actors']): Observation {
    const { emitted, logged, acted } = this;
    [this.emitted, this.logged, this.acted] = [[], [], []];
    return { actors, emitted, logged, acted };
  }
}

export function plain(value: unknown): Json {
  const text = JSON.stringify(value, alike);
  return text === undefined ? null : (JSON.parse(text) as Json);
}

function alike(this: unknown, key: string, given: unknown): unknown {
  // JSON.stringify has called toJSON already.
  const value: unknown = (this as Record<string, unknown>)[key];
  if (typeof value !== 'object' || value === null)
    return value === null && !Array.isArray(this) ? undefined : value;
  if (value instanceof Error || isErrorLike(value)) return { error: (value as Error).message };
  if (isReference(value)) return 'an actor';
  if ('machine' in value && 'value' in value) return snapshotOf(value as never);
  return given;
}

function isErrorLike(value: object): boolean {
  return 'message' in value && 'name' in value;
}

function isReference(value: object): boolean {
  if ('xstate$$type' in value || ('sessionId' in value && 'send' in value)) return true;
  return Object.keys(value).toSorted().join() === 'id,type';
}

function snapshotOf({
  status,
  value,
  context,
  tags,
}: {
  status: Json;
  value: Json;
  context: Json;
  tags: Set<string>;
}) {
  return { status, value, context, tags: [...tags] };
}
