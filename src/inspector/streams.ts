// What agents of an actor and of its children stream, as server-sent events for the page: read from the application's own client while
// somebody looks, and only then.
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ActorAddress } from '../contract/address.ts';
import { toErrorJson } from '../contract/errors.ts';
import type { StreamItem } from '../contract/stream.ts';

export type StreamSource = (actor: ActorAddress, signal: AbortSignal) => AsyncIterable<StreamItem>;

/** Until all of it was streamed, or who looks has gone. Headers are set; the status is sent here. */
export async function sendStream(
  response: ServerResponse,
  source: StreamSource,
  actor: ActorAddress,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // At once: nothing may be streamed for long.
  response.flushHeaders();
  await pipeline(Readable.from(toEvents(source(actor, gone.signal))), response).catch((thrown: unknown) => {
    if (!gone.signal.aborted) throw thrown;
  });
}

async function* toEvents(items: AsyncIterable<StreamItem>): AsyncGenerator<string> {
  try {
    for await (const item of items) yield toEvent(item.kind, item);
    // A page that is told nothing asks again.
    yield toEvent('over', {});
  } catch (thrown) {
    yield toEvent('refused', toErrorJson(thrown, 'INTERNAL'));
  }
}

function toEvent(kind: string, data: object): string {
  return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
