// Executions and timers are numbered anew in each life of an actor. On the wire a number carries the life that it belongs to,
// so that what was asked for in one life is never taken for an answer in the next (I4, I8).
import type { ActorBody } from '../../contract/wire.ts';

const MARK = '~';
/** 32 bits of an incarnation: told apart are the lives of one actor. */
const MARK_LENGTH = 8;

export function inLife(number: string, incarnation: string): string {
  return `${number}${MARK}${incarnation.slice(0, MARK_LENGTH)}`;
}

/** As its actor knows it. */
export function withoutLife(number: string): string {
  const at = number.lastIndexOf(MARK);
  return at < 0 ? number : number.slice(0, at);
}

/** The body as this life knows it; undefined when it is meant for another. One without a mark is of an earlier release. */
export function ofThisLife(body: ActorBody, incarnation: string): ActorBody | undefined {
  const number = 'execution' in body ? body.execution : 'token' in body ? body.token : '';
  const bare = withoutLife(number);
  if (bare === number) return body;
  if (number !== inLife(bare, incarnation)) return undefined;
  return 'token' in body ? { ...body, token: bare } : ({ ...body, execution: bare } as ActorBody);
}
