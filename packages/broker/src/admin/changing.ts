/** Changes of the topology over HTTP, past the faults that may meet them. */
import type { IncomingMessage } from 'node:http';
import type { FaultPort } from '../control/fault-port.ts';
import { flushed } from '../control/flushed.ts';
import type { Act } from '../control/match.ts';
import { ServiceError } from '../errors.ts';
import { adminErrors } from './errors.ts';

export function pastFaults<R>(
  faults: FaultPort,
  request: IncomingMessage,
  url: URL,
  work: () => R,
): Promise<R> {
  return new Promise((resolve, reject) => {
    faults.through<{ done: R } | Error>(
      actOf(request, url),
      (answer) => answer(attempted(work)),
      (result) => {
        if (result instanceof ServiceError) reject(adminErrors.fault(result.status, result.message));
        else if (result instanceof Error) reject(result);
        else resolve(result.done);
      },
    );
  });
}

function attempted<R>(work: () => R): { done: R } | Error {
  try {
    return { done: work() };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function actOf({ socket }: IncomingMessage, { pathname }: URL): Act {
  return {
    operation: 'admin',
    entity: pathname.replace(/^\/|\/$/g, ''),
    client: {
      container: undefined,
      cut: () => void socket.destroy(),
      flushed: () => flushed(socket),
    },
  };
}
