// The order of a machine's versions: only dotted numbers have one; of two hashes nobody can say which is newer.

const NUMBERED = /^\d+(\.\d+)*$/;
const byNumber = new Intl.Collator('en', { numeric: true });

export function isNewerVersion(version: string, other: string): boolean {
  return NUMBERED.test(version) && NUMBERED.test(other) && byNumber.compare(version, other) > 0;
}
