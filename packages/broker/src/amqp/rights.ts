// The right that a management operation needs: everything but sending and administering is receiving.
import type { AccessRight } from '../topology.ts';

const RIGHTS: Readonly<Record<string, AccessRight>> = {
  'com.microsoft:schedule-message': 'Send',
  'com.microsoft:cancel-scheduled-message': 'Send',
  'com.microsoft:add-rule': 'Manage',
  'com.microsoft:remove-rule': 'Manage',
};

/** What a `$management` operation needs; whatever is not sending or administering is receiving. */
export function rightFor(operation: unknown): AccessRight {
  return RIGHTS[String(operation)] ?? 'Listen';
}
