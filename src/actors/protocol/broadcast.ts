// A broadcast: one message to a topic, of which each subscription has a copy. The copy becomes a task of the agent that the
// configuration names for the subscription; its branch is named by the subscription, and so are its key, its reply and what is told of
// what it used, though all copies have one message id. From then on it is a task like any other: a retry of it, or its dead letter sent
// again, goes to the agent's own queue, and not to everybody once more (docs/decisions/0142).
import { z } from 'zod';
import { topicEntity } from '../../contract/entities.ts';
import type { Json } from '../../contract/json.ts';
import { type BroadcastBody, type InboundMessage, PROPERTY, type WireMessage } from '../../contract/wire.ts';
import { hashId, taskMessageId } from './ids.ts';

/** Where a copy was received, and who does it. */
export interface Subscription {
  readonly name: string;
  readonly agent: string;
}

/** `task`: what the first branch would be sent; the copies have what is theirs. */
export function toBroadcast(
  topic: string,
  { properties = {}, ...task }: WireMessage,
  body: Omit<BroadcastBody, 'kind'>,
): WireMessage {
  const { [PROPERTY.agent]: _, [PROPERTY.branch]: __, [PROPERTY.attempt]: ___, ...shared } = properties;
  return {
    ...task,
    entity: topicEntity(topic),
    subject: 'broadcast',
    messageId: hashId('broadcast', body.key),
    properties: { ...shared, [PROPERTY.copy]: true },
    body: { kind: 'broadcast', ...body },
  };
}

const broadcastBody = z.strictObject({
  kind: z.literal('broadcast'),
  names: z.array(z.string().min(1).max(64)).min(1).max(2_000),
  item: z.number().int().min(0),
  input: z.custom<Json>((value) => value !== undefined),
  key: z
    .string()
    .max(128)
    .regex(/^[\w.%-]+$/, 'is not a key'),
  execution: z.string(),
  deadlineAt: z.number(),
  offerTtlMs: z.number().int().min(1).optional(),
});

/** The copy as the task of its agent. Undefined: the asker does not wait for this subscription. What cannot be read stays as it is. */
export function ofSubscription(
  message: InboundMessage,
  { name, agent }: Subscription,
): InboundMessage | undefined {
  const parsed = broadcastBody.safeParse(message.body);
  if (!parsed.success) return message;
  const { names, item, key: ofAll, kind: _, ...more } = parsed.data;
  const at = names.indexOf(name);
  if (at === -1) return undefined;
  const key = hashId('copy', ofAll, name);
  const branch = item * names.length + at;
  return {
    ...message,
    subject: 'task',
    messageId: taskMessageId(key, 1),
    properties: {
      ...message.properties,
      [PROPERTY.agent]: agent,
      [PROPERTY.attempt]: 1,
      [PROPERTY.branch]: branch,
    },
    body: { kind: 'task', agent, key, branch, attempt: 1, ...more },
  };
}
