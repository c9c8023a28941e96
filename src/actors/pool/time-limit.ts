// The time limit of one running request. An own controller per request: aborting it ends the thread, whatever it is doing.
import { type ErrorCode, QuorateError } from '../../contract/errors.ts';
import type { WorkerRequest } from '../../contract/worker.ts';

/**
 * The kinds of requests that wait for a thread. Turns go first: they hold a session lock. An action has to begin before its
 * session continues, and may then run for long, like the work of agents; for a turn that is only tried out nothing waits.
 */
export type Lane = 'turns' | 'actions' | 'others';

export function laneOf({ kind }: WorkerRequest): Lane {
  if (kind === 'turn' || kind === 'turns' || kind === 'describe') return 'turns';
  // Of actions and rehearsals one thread is kept free: what loops there holds up no turn.
  return kind === 'action' || kind === 'rehearsal' ? 'actions' : 'others';
}

interface Limit {
  readonly signal: AbortSignal;
  /** Why the request was stopped, if it was. */
  exceeded(): QuorateError | undefined;
  end(): void;
}

/** `tell` is there for what can be told and ends by itself then; it has `graceMs` for that. */
export function startLimit(
  request: WorkerRequest,
  timeoutMs: number | undefined,
  outer: AbortSignal | undefined,
  telling?: { readonly tell: (error: QuorateError) => void; readonly graceMs: number },
): Limit {
  const controller = new AbortController();
  let error: QuorateError | undefined;
  let grace: NodeJS.Timeout | undefined;
  const stop = (code: ErrorCode, message: string, why?: unknown): void => {
    if (error !== undefined) return;
    error = new QuorateError(code, message);
    if (telling === undefined) return controller.abort();
    telling.tell(why instanceof QuorateError ? why : error);
    grace = setTimeout(() => controller.abort(), telling.graceMs);
  };
  const code = laneOf(request) === 'others' ? 'AGENT_TIMEOUT' : 'TURN_TIMEOUT';
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => stop(code, `${nameOf(request)} ran longer than ${timeoutMs} ms`), timeoutMs);
  const onAbort = (): void => stop('ABORTED', `${nameOf(request)} was withdrawn while it ran`, outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    exceeded: () => error,
    end() {
      clearTimeout(timer);
      clearTimeout(grace);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

function nameOf(request: WorkerRequest): string {
  switch (request.kind) {
    case 'turn':
    case 'turns':
    case 'rehearsal':
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
