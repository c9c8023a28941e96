// Orders of people are repeated until they are answered: each is known by its id for a while, so that a repeat changes nothing, also where
// another order came in between.
const MOST_REMEMBERED = 32;

/** Ids of the latest orders that were carried out, the last one behind. */
export type Obeyed = readonly string[];

export function isRepeat(obeyed: Obeyed | undefined, id: string): boolean {
  return obeyed?.includes(id) === true;
}

export function remembered(obeyed: Obeyed | undefined, id: string): Obeyed {
  return [...(obeyed ?? []), id].slice(-MOST_REMEMBERED);
}
