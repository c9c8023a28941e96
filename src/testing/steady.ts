// What may differ between two runs that came to the same: drawn names, how many attempts it took an agent to fail, and how
// many answers a gather saw twice.

type Fields = Readonly<Record<string, unknown>>;

/** Ids of children hold their parent's incarnation, which is drawn anew in each run. */
export function steadyName(name: string): string {
  return name.replaceAll(/~[0-9a-z]+/g, '~');
}

/** JSON without it. */
export function steadyText(value: unknown): string {
  const text = JSON.stringify(value ?? null, (_, part: unknown) => {
    if (!isFields(part)) return part;
    if (isFields(part['data']) && 'code' in part) return { ...part, data: without(part['data'], 'attempts') };
    if ('ok' in part && 'total' in part) return without(part, 'duplicates');
    return part;
  });
  return steadyName(text);
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}

function isFields(part: unknown): part is Fields {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}
