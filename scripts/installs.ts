// What people install, and what that may weigh: held from the lock file by a unit test, from real installs by `npm run
// verify:package`. The limits are what was reached on 30 Nov 2026: 85, 94 and 14 MB. Wanted were 90 MB and 130 packages, 105 and
// 160, 15 and 42.
interface Install {
  readonly what: string;
  readonly packages: readonly string[];
  /** Of node_modules on disk; a little more than was measured, for others release too. */
  readonly megabytes: number;
  /** Packages, with ours. */
  readonly count: number;
}

export const INSTALLS: readonly Install[] = [
  { what: 'quorate', packages: ['quorate'], megabytes: 88, count: 126 },
  { what: 'quorate and quorate-broker', packages: ['quorate', 'quorate-broker'], megabytes: 98, count: 153 },
  { what: 'quorate-broker', packages: ['quorate-broker'], megabytes: 15, count: 41 },
];
