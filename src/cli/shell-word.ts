// A text as one word of a POSIX shell, for lines that are printed to be copied.

const PLAIN = /^[\w@%+=:,./-]+$/;

/** As it is where that will do. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
