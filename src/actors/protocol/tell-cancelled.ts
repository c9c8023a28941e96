// Tells the processes that run what is cancelled, by a message to the session that each has in the queue of replies. Who runs what
// is known from the claims of tasks. It makes things quick and promises nothing: who is not reached finds the marks in the store.
import { z } from 'zod';
import { REPLIES } from '../../contract/entities.ts';
import type { Json } from '../../contract/json.ts';
import type { TaskClaimStore } from '../../contract/payload.ts';
import type { Bridge } from '../../contract/ports.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';
import { hashId } from './ids.ts';
import { isMark } from './lineage.ts';

/** Under which a process hears of it. */
export const CANCELLED_ID = 'cancelled';
/** Marks in a message. */
const MOST = 1_000;

const value = z.object({ marks: z.array(z.string().refine(isMark)).max(MOST) });

interface Telling {
  readonly claims: TaskClaimStore;
  readonly bridge: Pick<Bridge, 'publish'>;
  /** This process, which knows. */
  readonly own: string;
}

/** `marks`: that of the life itself, or of executions in it. */
export async function tellCancelled(
  life: string,
  marks: readonly string[],
  { claims, bridge, own }: Telling,
): Promise<void> {
  const found = marks.includes(life)
    ? [await claims.processesOf(life)]
    : await Promise.all(marks.map((execution) => claims.processesOf(life, execution)));
  const processes = [...new Set(found.flat())].filter((process) => process !== own);
  if (processes.length === 0) return;
  const told = marks.slice(0, MOST);
  await bridge.publish(processes.map((process) => toMessage(process, told)));
}

function toMessage(process: string, marks: readonly string[]): WireMessage {
  const outcome: Json = { status: 'done', output: { marks: [...marks] } };
  return {
    entity: REPLIES,
    sessionId: process,
    subject: 'answer',
    messageId: hashId(CANCELLED_ID, process, ...marks),
    correlationId: CANCELLED_ID,
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'answer', answer: 'outcome', outcome },
  };
}

/** What such a message says; nothing of what says something else. */
export function cancelledIn(output: unknown): readonly string[] {
  const parsed = value.safeParse(output);
  return parsed.success ? parsed.data.marks : [];
}
