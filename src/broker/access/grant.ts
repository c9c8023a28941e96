import type { AccessRight } from '../topology.ts';

/** What a checked token allows, and until when. */
export interface Grant {
  /** Entity path in lower case; '' is the whole namespace. */
  readonly path: string;
  readonly rights: readonly AccessRight[];
  readonly expiresAt: number;
}

export const ALL_RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];

/** Manage includes the other two. */
export function permits(rights: readonly AccessRight[], wanted: AccessRight | undefined): boolean {
  return wanted === undefined || rights.includes(wanted) || rights.includes('Manage');
}
