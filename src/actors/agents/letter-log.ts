// Logs dead letters: one line for each, but one line a minute for events to an actor that does not exist. A flood of those
// would fill the log; each of them is still a dead letter.
import { actorQueue } from '../../contract/entities.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Clock, Logger } from '../../contract/ports.ts';

const MINUTE_MS = 60_000;
/** Actors that are told apart within a minute; those beyond share one line. */
const MAX_TARGETS = 200;
const BEYOND = 'further actors';

const NOBODY: ReadonlySet<string> = new Set(['ACTOR_NOT_FOUND', 'ACTOR_ENDED']);

export interface LoggedLetter {
  readonly entity: string;
  readonly sessionId: string | undefined;
  /** The number that `quorate dlq show` takes; of a letter without a copy, that in the dead-letter queue of the entity. */
  readonly number: number;
  readonly error: ErrorJson;
  /** Nobody needs to look at it. */
  readonly handled: boolean;
  readonly actor?: string | undefined;
}

export function createLetterLog(logger: Logger, clock: Clock): (letter: LoggedLetter) => void {
  const said = new Map<string, { readonly at: number; more: number }>();

  const targetOf = ({ entity, sessionId }: LoggedLetter): string => {
    const target = `${entity.slice(actorQueue('').length)}/${sessionId ?? ''}`;
    if (said.has(target) || said.size < MAX_TARGETS) return target;
    const now = clock.now();
    for (const [name, { at }] of said) if (!isRecent(at, now)) said.delete(name);
    return said.size < MAX_TARGETS ? target : BEYOND;
  };

  return (letter) => {
    const { entity, error, number, handled } = letter;
    const level = handled ? 'info' : 'warn';
    const fields = { code: error.code, number };
    if (!NOBODY.has(error.code)) {
      const whose = letter.actor === undefined ? {} : { actor: letter.actor };
      return logger[level](`dead letter in ${entity}: ${error.message}`, { ...fields, ...whose });
    }
    const now = clock.now();
    const actor = targetOf(letter);
    const last = said.get(actor);
    if (last !== undefined && isRecent(last.at, now)) {
      last.more++;
      return;
    }
    said.delete(actor);
    said.set(actor, { at: now, more: 0 });
    const more = last === undefined || last.more === 0 ? {} : { unsaid: last.more };
    logger[level](`an event for nobody: ${error.message}`, { ...fields, actor, ...more });
  };
}

function isRecent(at: number, now: number): boolean {
  return Math.abs(now - at) < MINUTE_MS;
}
