// Who waits for a piece of work: the life of its asker and what was asked there, and those of everybody who waits for the asker.
// Each has a mark, a short hash. What is cancelled is known by its mark; work looks its marks up, and those of its ancestors.
// The asker's own follow from where the answer goes; only what is above it travels (docs/decisions/0090).
import { actorQueue } from '../../contract/entities.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import { hashId, inLife, lifeOf } from './ids.ts';

/** Levels above an asker that are looked at; what hangs deeper is reached when the actors between have ended. */
export const MAX_ANCESTORS = 8;
/** 132 bits. */
const MARK_LENGTH = 22;
/** Of a level: its life, and what was asked in it. */
const MARKS_A_LEVEL = 2;
const SEPARATOR = ' ';
const ACTOR_QUEUE = actorQueue('');

/** `actor` is an address as text. Closed when the life ends. */
export function lifeMark(actor: string, incarnation: string): string {
  return markOf('life', actor, lifeOf(inLife('', incarnation)));
}

/** `execution` as its actor knows it. Closed when nobody waits for it any more. */
export function executionMark(actor: string, incarnation: string, execution: string): string {
  return markOf('execution', actor, inLife(execution, incarnation));
}

function markOf(kind: string, actor: string, what: string): string {
  return hashId(kind, actor, what).slice(0, MARK_LENGTH);
}

/** What a child is told of those who wait for it: its parent's lineage, and on top the parent's life and the asking. */
export function childLineage(
  parent: { readonly actor: string; readonly incarnation: string; readonly lineage?: string | undefined },
  execution: string,
): string {
  const { actor, incarnation, lineage } = parent;
  const own = [lifeMark(actor, incarnation), executionMark(actor, incarnation, execution)];
  return [...own, ...marksIn(lineage)].slice(0, MAX_ANCESTORS * MARKS_A_LEVEL).join(SEPARATOR);
}

/** What of a task's properties says whether it is cancelled: its offer says the same. */
export const OF_LINEAGE = [PROPERTY.lineage, PROPERTY.cancel, PROPERTY.redriven] as const;

/**
 * Of a task, an offer, or a dead letter of one: the asker's own first. None for what no actor asked for, for what is done in any
 * case, and for what a person has sent again.
 */
export function marksOfWork(message: InboundMessage, execution: string): readonly string[] {
  const { replyTo = '', replyToSessionId = '', properties } = message;
  if (properties[PROPERTY.cancel] === 'ignore' || properties[PROPERTY.redriven] !== undefined) return [];
  if (!replyTo.startsWith(ACTOR_QUEUE) || replyToSessionId === '') return [];
  const actor = `${replyTo.slice(ACTOR_QUEUE.length)}/${replyToSessionId}`;
  const life = lifeOf(execution);
  const own = [markOf('execution', actor, execution), ...(life === '' ? [] : [markOf('life', actor, life)])];
  return [...own, ...marksIn(properties[PROPERTY.lineage])];
}

export function isMark(text: string): boolean {
  return /^[\w-]{22}$/.test(text);
}

/** What a start, or a task of a child, says of those above. What is no lineage of ours counts as none. */
export function marksIn(lineage: unknown): readonly string[] {
  if (typeof lineage !== 'string') return [];
  return lineage
    .split(SEPARATOR)
    .filter(isMark)
    .slice(0, MAX_ANCESTORS * MARKS_A_LEVEL);
}
