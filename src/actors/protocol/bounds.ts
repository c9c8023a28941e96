// Bounds of a run on their way: said at a start, and by a parent to its child. They travel as one property, so that hosts of former
// builds, which know no bounds, take the message.
import { z } from 'zod';
import type { Bounds, RunBounds } from '../../contract/bounds.ts';
import { QuorateError } from '../../contract/errors.ts';
import { type InboundMessage, PROPERTY, type WireMessage } from '../../contract/wire.ts';

type Properties = NonNullable<WireMessage['properties']>;

const YEAR_MS = 31_536_000_000;
const ms = z.number().int().min(1).max(YEAR_MS);

/** A child may have no tasks left; a run that is started with none is a mistake. */
const bounds = (fewestTasks: 0 | 1) =>
  z.strictObject({
    deadlineMs: ms.optional(),
    maxDepth: z.number().int().min(0).max(1_000).optional(),
    maxTasks: z.number().int().min(fewestTasks).max(Number.MAX_SAFE_INTEGER).optional(),
    noProgressMs: ms.optional(),
  });
const said = bounds(1);
const left = bounds(0);

/** Of the options of a start. Throws INPUT_INVALID. */
export function boundsProperties({ deadlineMs, maxDepth, maxTasks, noProgressMs }: RunBounds): Properties {
  const parsed = said.safeParse({ deadlineMs, maxDepth, maxTasks, noProgressMs });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new QuorateError('INPUT_INVALID', `${issue?.path.join('.')}: ${issue?.message}`);
  }
  return toProperties(parsed.data as RunBounds);
}

/** What a parent leaves to its child. */
export function childBounds({ depth, tasks, noProgressMs }: Bounds): Properties {
  return toProperties({
    ...(depth === undefined ? {} : { maxDepth: depth }),
    ...(tasks === undefined ? {} : { maxTasks: tasks }),
    ...(noProgressMs === undefined ? {} : { noProgressMs }),
  });
}

function toProperties(given: RunBounds): Properties {
  const text = JSON.stringify(given);
  return text === '{}' ? {} : { [PROPERTY.bounds]: text };
}

/** What a start says: the deadline counts from when the broker took it in. What cannot be read is refused, not left out. */
export function readBounds({
  properties,
  enqueuedAt,
}: InboundMessage): Bounds | undefined | { readonly fault: string } {
  const { [PROPERTY.bounds]: text } = properties;
  if (text === undefined) return undefined;
  const parsed = left.safeParse(parse(text));
  if (!parsed.success) return { fault: `its bounds cannot be read: ${parsed.error.issues[0]?.message}` };
  const { deadlineMs, maxDepth, maxTasks, noProgressMs } = parsed.data;
  return {
    ...(deadlineMs === undefined ? {} : { deadlineAt: enqueuedAt + deadlineMs }),
    ...(maxDepth === undefined ? {} : { depth: maxDepth }),
    ...(maxTasks === undefined ? {} : { tasks: maxTasks }),
    ...(noProgressMs === undefined ? {} : { noProgressMs }),
  };
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

/** Of the reply of a child's end. */
export function readTasksLeft({ properties }: InboundMessage): number | undefined {
  const { [PROPERTY.tasksLeft]: tasks } = properties;
  return typeof tasks === 'number' && Number.isSafeInteger(tasks) && tasks > 0 ? tasks : undefined;
}
