// What a redrive would come to, letter by letter. Each actor that a letter is for, or that waits for it, is asked by a query; its holder
// computes it (actors/host/foresight). Some thousand letters at a time: those of one actor among them are applied one on another, 256 at most.

import { hashId } from '../actors/protocol/ids.ts';
import { placeOf } from '../actors/protocol/redrive.ts';
import { actorOf } from '../contract/entities.ts';
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import type { Foresight } from '../contract/foresight.ts';
import type { Json } from '../contract/json.ts';
import { PROPERTY, WIRE_FORMAT } from '../contract/wire.ts';
import type { Requests } from '../mailbox/requests.ts';
import type { Slim } from './letter-order.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** Actors that are asked at once. */
const AT_ONCE = 8;
/** Letters that one request names: a host tries out no more (actors/host/foresight). */
const MOST_ASKED = 256;
/** Actors of which is remembered that letters of theirs came before. */
const MOST_REMEMBERED = 100_000;

interface Place {
  readonly entity: string;
  readonly session: string;
}

interface Group extends Place {
  /** `type/id`. */
  readonly actor: string;
  readonly letters: Slim[];
}

export interface ForesightOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Knows what came before: one for each dry run. `foresee` gives one a letter, in their order. */
export function createForesight(
  requests: Pick<Requests, 'ask'>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: ForesightOptions,
): { readonly foresee: (letters: readonly Slim[]) => Promise<readonly Foresight[]> } {
  /** By the hash of an actor: the last letter that it would take, or whose answer comes to it. */
  const before = new Map<string, { readonly number: number; readonly isTurn: boolean }>();
  /** Types of which no host answers. */
  const silent = new Map<string, Foresight>();

  const ask = async ({ entity, session, actor, letters }: Group): Promise<readonly Foresight[]> => {
    const known = silent.get(entity);
    if (known !== undefined) return letters.map(() => known);
    const numbers = letters.map(({ sequenceNumber }) => sequenceNumber).join(',');
    try {
      const body = await requests.ask(
        (asker) => ({
          entity,
          sessionId: session,
          subject: 'query',
          messageId: hashId('foresee', asker.correlationId),
          properties: {
            [PROPERTY.format]: WIRE_FORMAT,
            [PROPERTY.patience]: timeoutMs,
            [PROPERTY.foresee]: numbers,
          },
          body: { kind: 'query', asker: asker as unknown as Json },
        }),
        { timeoutMs, signal, onTimeout: () => new QuorateError('RESULT_TIMEOUT', 'nobody answered') },
      );
      if (body.answer === 'foresight' && body.letters.length === letters.length) return body.letters;
      const why = 'the host of the actor is of a version that computes no foresight';
      return letters.map(() => ({ would: 'unknown', why }));
    } catch (thrown) {
      if (signal?.aborted === true) throw thrown;
      const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
      if (code === 'TOPOLOGY_MISMATCH') return letters.map((letter) => withoutQueue(letter, message));
      if (code !== 'RESULT_TIMEOUT') throw thrown;
      const why = `no host of ${actor.split('/')[0]} answered within ${timeoutMs} ms: does one run?`;
      silent.set(entity, { would: 'unknown', why });
      return letters.map(() => ({ would: 'unknown', why }));
    }
  };

  /** Those whose actor would have changed by then cannot be tried out on what it is now. */
  const dependsOn = (key: string, { subject }: Slim): Foresight | undefined => {
    const last = before.get(key);
    if (last === undefined || (subject === 'task' && !last.isTurn)) return undefined;
    const why = 'its actor has many letters: this one depends on one that is tried out apart from it';
    return { would: 'unknown', why, after: last.number };
  };

  const foreseeGroup = async (group: Group, found: Map<Slim, Foresight>): Promise<void> => {
    const key = hashId(group.entity, group.session);
    const [asked, told] = [new Array<Slim>(), group.letters];
    for (const letter of told) {
      const dependent = dependsOn(key, letter);
      if (dependent === undefined) asked.push(letter);
      else found.set(letter, dependent);
    }
    if (asked.length === 0) return;
    const foresights = await ask({ ...group, letters: asked });
    for (const [at, letter] of asked.entries()) {
      const foresight = foresights[at] ?? { would: 'unknown', why: 'nothing was said of it' };
      found.set(letter, foresight);
      const isTurn = foresight.would === 'apply';
      const isAnswer = 'awaited' in foresight && foresight.awaited;
      if (before.size < MOST_REMEMBERED && (isTurn || isAnswer))
        before.set(key, {
          number: letter.sequenceNumber,
          isTurn: isTurn || before.get(key)?.isTurn === true,
        });
    }
  };

  return {
    foresee: async (letters) => {
      const found = new Map<Slim, Foresight>();
      const groups = groupsOf(letters, found);
      const next = groups.values();
      const work = async (): Promise<void> => {
        for (const group of next)
          for (let at = 0; at < group.letters.length; at += MOST_ASKED)
            await foreseeGroup({ ...group, letters: group.letters.slice(at, at + MOST_ASKED) }, found);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return letters.map(
        (letter) => found.get(letter) ?? { would: 'unknown', why: 'nothing was said of it' },
      );
    },
  };
}

/** By the actor that has to be asked; what none is known for is told at once. */
function groupsOf(letters: readonly Slim[], found: Map<Slim, Foresight>): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const letter of letters) {
    const place = askedFor(letter);
    const actor = actorOf(place.entity, place.session);
    if (actor === undefined) {
      found.set(letter, { would: 'unknown', why: 'no actor is known that it is for, or that waits for it' });
      continue;
    }
    const key = `${place.entity}\n${place.session}`;
    const group = groups.get(key) ?? { ...place, actor, letters: [] };
    groups.set(key, group);
    group.letters.push(letter);
  }
  return [...groups.values()];
}

/** The actor that it is for, or that asked. */
function askedFor(letter: Slim): Place {
  const place = placeOf(letter);
  if (place.session !== '') return place;
  return { entity: letter.replyTo ?? '', session: letter.replyToSessionId ?? '' };
}

function withoutQueue({ subject }: Slim, message: string): Foresight {
  return subject === 'task' || subject === 'action'
    ? { would: 'unknown', why: `the queue of the actor that asked is not there: ${message}` }
    : { would: 'fail', error: { code: 'TOPOLOGY_MISMATCH', message } };
}
