// Refusals of the administration API in the words of the service: clients tell their kind by status and sub-code.
import { randomUUID } from 'node:crypto';
import { toXml } from './xml.ts';

/** A refusal in the words of the service: clients tell its kind by status and sub-code. */
export class AdminError extends Error {
  readonly status: number;
  /** Undefined where the service's text has none. */
  readonly subCode: number | undefined;

  constructor(status: number, subCode: number | undefined, message: string) {
    super(message);
    this.name = 'AdminError';
    this.status = status;
    this.subCode = subCode;
  }
}

export const adminErrors = {
  badRequest: (why: string) => new AdminError(400, 40_000, `Bad Request. ${why}`),
  unauthorized: (why: string) => new AdminError(401, 40_100, `Unauthorized. ${why}`),
  /** A token is good, but not for this. */
  lacksRight: (why: string) => new AdminError(401, undefined, why),
  notFound: (path: string) =>
    new AdminError(404, 40_400, `Not Found. The messaging entity '${path}' could not be found.`),
  methodNotAllowed: (method: string) =>
    new AdminError(405, 40_500, `Method '${method}' is not allowed here.`),
  exists: (path: string) =>
    new AdminError(
      409,
      40_900,
      `Conflict. The specified name is not available: '${path}' exists already. You're requesting an operation that isn't allowed in the resource's current state.`,
    ),
  quotaExceeded: (why: string) => new AdminError(403, 40_300, `Forbidden. ${why}`),
  fault: (status: number, why: string) => new AdminError(status, status * 100, why),
  internal: () => new AdminError(500, 50_000, 'Internal error. The service could not carry out the request.'),
};

export function errorDocument(error: AdminError, host: string, path: string): string {
  const tracking = `TrackingId:${randomUUID()}, SystemTracker:${host}:${path}, Timestamp:${new Date().toISOString()}`;
  const subCode = error.subCode === undefined ? '' : `SubCode=${error.subCode}. `;
  const detail = `${subCode}${error.message} To know more visit https://aka.ms/sbResourceMgrExceptions. ${tracking}`;
  return toXml({ Error: { Code: error.status, Detail: detail } });
}
