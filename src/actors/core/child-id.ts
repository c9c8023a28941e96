// Ids of child actors: the same parent, incarnation and execution always give the same id, without node:crypto.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';

/** Keeps `<parent>~<hash>` under the 128 characters of a session id, and readable. */
const MAX_PARENT_CHARACTERS = 96;

export function childActorId(parent: ActorAddress, incarnation: string, execution: string): string {
  const text = JSON.stringify([formatAddress(parent), incarnation, execution]);
  const root = parent.id.slice(0, MAX_PARENT_CHARACTERS).toWellFormed();
  return `${root}~${hash53(text, 0).toString(36)}${hash53(text, 0x9e3779b9).toString(36)}`;
}

/** cyrb53: 53 well mixed bits. Two of them keep children apart; ids are not secrets. */
export function hash53(text: string, seed: number): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
