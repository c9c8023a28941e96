// What one attempt at a task streams: whose it is, from the message of the task, and where it lies. Nothing is kept for an attempt
// that streams nothing.
import { actorQueue } from '../../../contract/entities.ts';
import { PROPERTY } from '../../../contract/wire.ts';
import { streamPlace } from '../../protocol/streams.ts';
import type { OpenStream } from '../stream/hub.ts';
import type { Task, TaskHost } from './task.ts';

const ACTOR_QUEUE = actorQueue('');

/** Where nobody could read it. */
const NOWHERE: OpenStream = { push: () => {}, close: async () => {} };

export function streamOf({ body, message }: Task, { streams, payloads, name }: TaskHost): OpenStream {
  const { replyTo, replyToSessionId: id, properties, deliveryCount } = message;
  if (streams === undefined || id === undefined || replyTo?.startsWith(ACTOR_QUEUE) !== true) return NOWHERE;
  const { [PROPERTY.child]: child } = properties;
  const { branch, execution, deadlineAt, attempt } = body;
  return streams.open({
    place: () => streamPlace(payloads.scope, { type: replyTo.slice(ACTOR_QUEUE.length), id }),
    agent: name,
    deadlineAt,
    run: {
      // An asker of an earlier build does not say it.
      child: typeof child === 'string' ? child : body.agent,
      ...(branch === null ? {} : { branch }),
      execution,
      attempt: attempt + deliveryCount,
    },
  });
}
