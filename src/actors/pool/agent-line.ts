// What a CPU agent and its host say to each other while it runs: the host that nobody waits any more or that its time is up, the
// agent what it has used and what it streams. Only such requests have a line; a port of its own, since Piscina has no other way to a thread that is busy.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { FromAgent, ToAgent, WorkerRequest } from '../../contract/worker.ts';

/** What an agent that was told has to end, before its thread is ended. */
export const GRACE_MS = 1_000;

export interface AgentLine {
  /** The request with the thread's end of the line, which has to be transferred. */
  readonly request: WorkerRequest;
  readonly transfer: readonly MessagePort[];
  tell(error: QuorateError): void;
  /** All that the agent has said is heard, once its request was answered. */
  heard(): Promise<void>;
  close(): void;
}

interface Hearing {
  readonly onUsage?: ((usage: unknown) => void) | undefined;
  readonly onChunk?: ((chunk: unknown) => void) | undefined;
}

export function openAgentLine(
  request: Extract<WorkerRequest, { kind: 'agent' }>,
  { onUsage, onChunk }: Hearing,
): AgentLine {
  const { port1: own, port2: line } = new MessageChannel();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  own.on('message', (said: FromAgent) => {
    if (said.kind === 'usage') onUsage?.(said.usage);
    else if (said.kind === 'stream') onChunk?.(said.chunk);
    else end();
  });
  own.once('close', end);
  own.unref();
  return {
    request: { ...request, line },
    transfer: [line],
    tell: (error) => own.postMessage({ abort: toErrorJson(error, error.code) } satisfies ToAgent, []),
    heard: () => ended,
    close: () => own.close(),
  };
}
