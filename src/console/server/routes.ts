// What the console can be asked, as a table: a method, a path, the role that it needs, and what it gives. The page and its tests know the
// shapes from protocol.ts.
import type { QuorateClient } from '../../contract/client.ts';
import type { DeadLetter } from '../../contract/dead-letters.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { QueryAnswer } from '../../contract/wire.ts';
import type { IndexHandle } from '../index/calls.ts';
import type { Keeper } from '../index/keeper.ts';
import type { ActorNow, LetterGroup, Letters, Role } from '../protocol.ts';
import { eventsOf } from './accepted.ts';
import type { Visitor } from './access.ts';
import { checkAddress, decodePart, readActorQuery, readCostQuery } from './request.ts';

/** A live question that its actor's holder does not answer in time. */
const NOW_MS = 5_000;
const MOST_LETTERS = 2_000;
const LETTER_PAGE = 200;
const SHOWN_LETTERS = 200;

export interface ConsoleContext {
  readonly client: QuorateClient;
  readonly index: IndexHandle;
  readonly keeper: Keeper;
  readonly now: () => number;
  readonly me: (visitor: Visitor) => Json;
  /** SVG of a machine's definition. */
  readonly draw: (definition: Json) => Promise<string>;
}

export interface Asked {
  /** Decoded parts of the path that the route leaves open. */
  readonly parts: readonly string[];
  readonly params: URLSearchParams;
  readonly visitor: Visitor;
  readonly signal: AbortSignal;
}

export type Answered =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'svg'; readonly svg: string };

export interface ReadRoute {
  readonly role: Role;
  readonly answer: (asked: Asked, context: ConsoleContext) => Promise<Answered>;
}

const json = async (value: unknown): Promise<Answered> => ({ kind: 'json', value: await value });
const reads = (
  answer: (asked: Asked, context: ConsoleContext) => unknown,
  role: Role = 'reader',
): ReadRoute => ({ role, answer: (asked, context) => json(answer(asked, context)) });

/** Path -> route; `*` is one part of the path. */
export const READ_ROUTES: Readonly<Record<string, ReadRoute>> = {
  me: reads(({ visitor }, { me }) => me(visitor)),
  status: reads((_, { keeper }) => keeper.status()),
  attention: reads((_, { index, now }) => index.attention(now())),
  actors: reads(({ params }, { index }) => index.actors(readActorQuery(params))),
  'actors/*/*': reads(async ({ parts: [type = '', id = ''] }, { index }) => {
    const address = checkAddress(type, id);
    const found = await index.actor(address);
    if (found === undefined) throw new QuorateError('ACTOR_NOT_FOUND', `the index knows no actor ${address}`);
    return found;
  }),
  'actors/*/*/now': reads(actorNow),
  types: reads((_, { index, now }) => index.types(now())),
  'types/*/states': reads(({ parts: [type = ''], params }, { index }) =>
    index.states(type, params.get('version') ?? undefined),
  ),
  'types/*/chart.svg': {
    role: 'reader',
    answer: async ({ parts: [type = ''], params }, { index, draw }) => {
      const definition = await index.definition(type, params.get('version') ?? undefined);
      if (definition === undefined)
        throw new QuorateError('MACHINE_NOT_FOUND', `no process has told the index of machine ${type}`);
      return { kind: 'svg', svg: await draw(definition) };
    },
  },
  living: reads((_, { index }) => index.living()),
  processes: reads((_, { index, now }) => index.processes(now())),
  costs: reads(({ params }, { index }) => {
    const { by, since } = readCostQuery(params);
    return index.costs(by, since);
  }),
  asks: reads(({ signal }, { client }) => client.asks({ signal, timeoutMs: NOW_MS })),
  limits: reads(async ({ signal }, { client }) => {
    const names = await client.limits.list();
    return Promise.all(names.map((name) => client.limits.get(name, { signal, timeoutMs: NOW_MS })));
  }),
  letters: reads(({ signal }, { client }) => lettersOf(client, signal)),
  'letters/*': reads(async ({ parts: [number = ''] }, { client }) => {
    const found = await client.deadLetters.show(Number(number));
    if (found === undefined) throw new QuorateError('INPUT_INVALID', `there is no dead letter ${number}`);
    return found;
  }),
  views: reads((_, { index }) => index.views()),
};

async function actorNow(
  { parts: [type = '', id = ''], signal }: Asked,
  { client, index }: ConsoleContext,
): Promise<ActorNow> {
  checkAddress(type, id);
  const snapshot: QueryAnswer = await client.query(type, id, { signal, timeoutMs: NOW_MS, branches: true });
  const definition = await index.definition(type, snapshot.version);
  const events = snapshot.status === 'active' ? eventsOf(definition, snapshot.value) : [];
  return { snapshot, events };
}

/** Groups of those that wait for somebody, and the oldest of them. */
async function lettersOf({ deadLetters }: QuorateClient, signal: AbortSignal): Promise<Letters> {
  const found: DeadLetter[] = [];
  let next: number | undefined = 0;
  while (next !== undefined && found.length < MOST_LETTERS) {
    const page = await deadLetters.list({ from: next, limit: LETTER_PAGE, signal });
    found.push(...page.items);
    next = page.next;
  }
  const groups = new Map<string, LetterGroup>();
  for (const { code, agent, actor, at } of found) {
    const of = agent ?? actor?.split('/')[0] ?? '';
    const key = `${code}\n${of}`;
    const known = groups.get(key) ?? { code, of, count: 0, first: at, last: at };
    groups.set(key, {
      ...known,
      count: known.count + 1,
      first: Math.min(known.first, at),
      last: Math.max(known.last, at),
    });
  }
  return {
    groups: [...groups.values()].toSorted((a, b) => b.count - a.count),
    letters: found.slice(0, SHOWN_LETTERS),
    more: next !== undefined,
  };
}

export interface Found<R> {
  readonly route: R;
  readonly parts: readonly string[];
}

/** The route of a path below /api/, and what stands in its open parts. */
export function find<R>(routes: Readonly<Record<string, R>>, path: string): Found<R> | undefined {
  const given = path.split('/');
  for (const [pattern, route] of Object.entries(routes)) {
    const wanted = pattern.split('/');
    if (wanted.length !== given.length) continue;
    if (wanted.every((part, at) => (part === '*' ? given[at] !== '' : part === given[at])))
      return { route, parts: given.filter((_, at) => wanted[at] === '*').map(decodePart) };
  }
  return undefined;
}
