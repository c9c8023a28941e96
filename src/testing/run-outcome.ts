// The outcome of a run: everything that must be the same however often a host died on the way.
import type { QuorateClient } from '../contract/client.ts';
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { countOf, steadyName, steadyText } from './effects.ts';
import { whyLate } from './real-time.ts';
import type { TestWorld } from './world.ts';

const PATIENCE_MS = 10_000;

export interface Outcome {
  /** What `outcome` of the scenario gave. */
  readonly outcome: Json;
  /** type/id -> how each actor ended; ids of children without what is drawn. */
  readonly actors: Readonly<Record<string, Json>>;
  /** Agent and input -> under how many idempotency keys it was asked. */
  readonly calls: Readonly<Record<string, number>>;
  /** From actor to actor -> how many. */
  readonly messages: Readonly<Record<string, number>>;
  readonly deadLetters: Readonly<Record<string, number>>;
}

export async function readOutcome(
  world: TestWorld,
  types: readonly string[],
  own: () => Promise<Json | undefined> | Json | undefined,
): Promise<Outcome> {
  const { client } = world;
  const actors: Record<string, Json> = {};
  for (const [name, ends] of Map.groupBy(await endsOf(client, types), ([address]) => address))
    actors[name] = ends.map(([, end]) => steadyText(end)).toSorted();
  return {
    outcome: JSON.parse(steadyText(await own())) as Json,
    actors,
    ...world.effects.counts(),
    deadLetters: await deadLettersOf(client),
  };
}

/** A task that failed for good and was sent twice beyond the duplicate window is the same dead letter twice: same key. */
async function deadLettersOf({ deadLetters }: QuorateClient): Promise<Record<string, number>> {
  const letters = new Map<string, string>();
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page: Awaited<ReturnType<typeof deadLetters.list>> = await deadLetters.list({ from, all: true });
    for (const { number, kind, code, actor = 'nobody' } of page.items) {
      const { key } = ((await deadLetters.show(number))?.body ?? {}) as { readonly key?: string };
      letters.set(key ?? String(number), steadyName(`${code}: ${kind} of ${actor}`));
    }
    from = page.next;
  }
  return countOf(letters.values());
}

async function endsOf(client: QuorateClient, types: readonly string[]): Promise<[string, Json][]> {
  const ends: [string, Json][] = [];
  for (const { type, id } of await actorsOf(client, types)) {
    const end = await client.query(type, id, { timeoutMs: PATIENCE_MS }).then(
      ({ status, value, output, error, quarantine }) => ({
        status,
        value,
        ...(output === undefined ? {} : { output }),
        ...(error === undefined ? {} : { error: error.code }),
        ...(quarantine === undefined ? {} : { quarantine: quarantine.code }),
      }),
      (error: unknown) => {
        if (whyLate(error) !== undefined) throw error;
        return { error: toErrorJson(error, 'UNKNOWN').code };
      },
    );
    // Only remembered by the broker: it has been forgotten by itself.
    if (!('status' in end) && end.error === 'ACTOR_NOT_FOUND') continue;
    ends.push([steadyName(`${type}/${id}`), end]);
  }
  return ends;
}

export async function actorsOf(
  client: QuorateClient,
  types: readonly string[],
): Promise<{ readonly type: string; readonly id: string }[]> {
  const found: { type: string; id: string }[] = [];
  for (const type of types) {
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: Awaited<ReturnType<typeof client.actors.list>> = await client.actors.list(type, { from });
      found.push(...page.ids.map((id) => ({ type, id })));
      from = page.next;
    }
  }
  return found;
}

// Where two outcomes differ, as data and as lines.

const MAX_SHOWN = 500;

export interface Difference {
  readonly at: string;
  readonly expected: Json;
  readonly actual: Json;
}

/** Where two values differ, as paths to the innermost difference. */
export function differences(expected: unknown, actual: unknown, at = ''): Difference[] {
  if (isRecord(expected) && isRecord(actual)) {
    const fields = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...fields].flatMap((field) =>
      differences(expected[field], actual[field], at === '' ? field : `${at}.${field}`),
    );
  }
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  return [{ at, expected: (expected ?? null) as Json, actual: (actual ?? null) as Json }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function toLines(found: readonly Difference[]): string {
  return found
    .map(({ at, expected, actual }) => `  ${at}: expected ${shorten(expected)}, got ${shorten(actual)}`)
    .join('\n');
}

export function shorten(value: Json): string {
  return JSON.stringify(value).slice(0, MAX_SHOWN);
}
