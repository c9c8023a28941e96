// The name that somebody meant, for messages about a name that does not exist.

/** Names that differ by more are others: nobody is told to take DATA for DRAIN. */
const MOST_EDITS = 3;

/** The one of `names` with the fewest letters changed, added, left out or swapped; undefined when none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const one of names) {
    const edits = editsBetween(name, one);
    if (edits <= MOST_EDITS && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name: one, edits };
  }
  return best?.name;
}

/** Levenshtein's distance, with two letters swapped as one edit. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const least = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
