// TODO and FIXME notes that nobody will come back to: overdue, or without an owner or an issue.
import type { Severity } from '../protocol.ts';

export interface StaleNote {
  readonly line: number;
  readonly rule: 'overdue-note' | 'orphan-note';
  readonly severity: Severity;
  readonly message: string;
}

/** In a comment, or at the start of a line of prose; upper case, as they are meant to be seen. */
const IN_CODE = /(?:\/\/|\/\*|^\s*\*|#|<!--|--|;)\s*(TODO|FIXME|XXX|HACK)\b(.*)$/;
const IN_PROSE = /^\s*(?:[-*+]\s+|\d+\.\s+|>\s*|<!--\s*|#+\s+)*(?:\[ \]\s+)?\**(TODO|FIXME|XXX)\b(.*)$/;
const DATE = /\b(\d{4}-[01]\d-[0-3]\d)\b/;
const OWNER = /^\s*[([][^)\]]*[\p{L}\d][^)\]]*[)\]]|^\s*@\w|#\d+|\bhttps?:\/\/|\b[A-Z][A-Z0-9]+-\d+\b/u;

export function staleNotes(text: string, prose: boolean, today: string): StaleNote[] {
  return text.split('\n').flatMap((line, index): StaleNote[] => {
    const match = (prose ? IN_PROSE : IN_CODE).exec(line);
    if (match === null) return [];
    const [, word = '', rest = ''] = match;
    const date = DATE.exec(rest)?.[1];
    const at = { line: index + 1 };
    if (date !== undefined && date < today) {
      return [{ ...at, rule: 'overdue-note', severity: 'medium', message: `${word} was due on ${date}` }];
    }
    if (date !== undefined || OWNER.test(rest)) return [];
    const severity = word === 'FIXME' ? 'medium' : 'low';
    return [
      { ...at, rule: 'orphan-note', severity, message: `${word} without an owner, an issue or a date` },
    ];
  });
}
