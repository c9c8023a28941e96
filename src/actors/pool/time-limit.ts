// The time limit of one running request. An own controller per request: aborting it ends the thread, whatever it is doing.
import { type ErrorCode, QuorateError } from '../../contract/errors.ts';
import type { WorkerRequest } from '../../contract/worker.ts';

/**
 * The kinds of requests that wait for a thread. Turns go first: they hold a session lock. An action has to begin before its
 * session continues, and may then run for long, like the work of agents.
 */
export type Lane = 'turns' | 'actions' | 'others';

export function laneOf({ kind }: WorkerRequest): Lane {
  if (kind === 'turn' || kind === 'turns' || kind === 'describe') return 'turns';
  return kind === 'action' ? 'actions' : 'others';
}

interface Limit {
  readonly signal: AbortSignal;
  /** Why the request was stopped, if it was. */
  exceeded(): QuorateError | undefined;
  end(): void;
}

export function startLimit(
  request: WorkerRequest,
  timeoutMs: number | undefined,
  outer: AbortSignal | undefined,
): Limit {
  const controller = new AbortController();
  let error: QuorateError | undefined;
  const stop = (code: ErrorCode, message: string): void => {
    error = new QuorateError(code, message);
    controller.abort();
  };
  const code = laneOf(request) === 'others' ? 'AGENT_TIMEOUT' : 'TURN_TIMEOUT';
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => stop(code, `${nameOf(request)} ran longer than ${timeoutMs} ms`), timeoutMs);
  const onAbort = (): void => stop('ABORTED', `${nameOf(request)} was withdrawn while it ran`);
  outer?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    exceeded: () => error,
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

function nameOf(request: WorkerRequest): string {
  switch (request.kind) {
    case 'turn':
    case 'turns':
      return 'a turn';
    case 'describe':
      return `loading machine '${request.machine.type}'`;
    case 'migrate':
      return `the migration of machine '${request.request.machine.type}'`;
    case 'action':
      return `action '${request.name}' of machine '${request.machine.type}'`;
    case 'promise':
      return `'${request.src}' of machine '${request.machine.type}'`;
    case 'agent':
      return `'${request.export}' of ${request.module}`;
  }
}
