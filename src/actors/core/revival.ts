// XState writes actor references of a context as { xstate$$type: 1, id } and puts living ones in their place when it
// restores, inside the object it is given. A turn never changes what it was given (I6), so that part is copied first.
import type { Json } from '../../contract/json.ts';

/** The same value where it holds no actor reference; copied along the paths that lead to one. */
export function copyForRevival(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const copied = (value as readonly Json[]).map(copyForRevival);
    return copied.some((item, index) => item !== value[index]) ? copied : value;
  }
  if ('xstate$$type' in value) return { ...value };
  return copyObject(value as Readonly<Record<string, Json>>);
}

function copyObject(object: Readonly<Record<string, Json>>): Json {
  let copy: Record<string, Json> | undefined;
  for (const [key, item] of Object.entries(object)) {
    const copied = copyForRevival(item);
    if (copied === item) continue;
    copy ??= { ...object };
    copy[key] = copied;
  }
  return copy ?? object;
}
