// What a checked token allows, and until when. Links ask it before they attach, and are closed when it runs out.
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';

/** What a checked token allows, and until when. */
export interface Grant {
  /** Entity path in lower case; '' is the whole namespace. */
  readonly path: string;
  readonly rights: readonly AccessRight[];
  readonly expiresAt: number;
  /** Whose key signed the token, for as long as the key is good; absent for a token of another authority. */
  readonly signedBy?: { readonly keyName: string; readonly key: string; readonly scope: string };
}

export const ALL_RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];

/** Manage includes the other two. */
export function permits(rights: readonly AccessRight[], wanted: AccessRight | undefined): boolean {
  return wanted === undefined || rights.includes(wanted) || rights.includes('Manage');
}

/** The farthest that a Date reaches. */
const MAX_DATE_MS = 8.64e15;

export function expired(at: number): ServiceError {
  const time = Math.abs(at) <= MAX_DATE_MS ? new Date(at).toISOString() : 'unknown';
  return serviceErrors.unauthorized(`ExpiredToken: The token is expired. Expiration time: ${time}.`);
}
