/** LIKE: `%` is any text, `_` any character. No backtracking, so that no pattern can stall the broker. */
import { SqlError } from './ast.ts';

/** What stands between two `%`: literal text, or with `_` in it character by character. */
interface Piece {
  readonly text: string;
  /** Where `_` stands; undefined for literal text. */
  readonly any: ReadonlySet<number> | undefined;
}

/** A pattern taken apart once. */
export function likeMatcher(pattern: string, escape: string | undefined): (text: string) => boolean {
  if (escape !== undefined && escape.length !== 1) {
    throw new SqlError('The escape character of LIKE must be a string of length 1.');
  }
  const pieces = split(pattern, escape);
  const [first, ...rest] = pieces;
  const last = rest.pop();
  if (!first) return () => false;
  if (!last) return (text) => text.length === first.text.length && isAt(first, text, 0);
  return (text) => {
    const end = text.length - last.text.length;
    if (end < first.text.length || !isAt(first, text, 0) || !isAt(last, text, end)) return false;
    // The first place of each piece is as good as any: what follows may be anything.
    let at = first.text.length;
    for (const piece of rest) {
      const found = find(piece, text, at);
      if (found < 0) return false;
      at = found + piece.text.length;
    }
    return at <= end;
  };
}

function split(pattern: string, escape: string | undefined): Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  let any = new Set<number>();
  const end = () => {
    pieces.push({ text, any: any.size > 0 ? any : undefined });
    text = '';
    any = new Set();
  };
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    if (character === escape && index + 1 < pattern.length) {
      index += 1;
      text += pattern.charAt(index);
    } else if (character === '%') {
      end();
    } else {
      if (character === '_') any.add(text.length);
      text += character;
    }
  }
  end();
  return pieces;
}

function isAt(piece: Piece, text: string, at: number): boolean {
  if (!piece.any) return text.startsWith(piece.text, at);
  for (let index = 0; index < piece.text.length; index += 1) {
    if (!piece.any.has(index) && text.charCodeAt(at + index) !== piece.text.charCodeAt(index)) return false;
  }
  return true;
}

function find(piece: Piece, text: string, from: number): number {
  if (!piece.any) return text.indexOf(piece.text, from);
  for (let at = from; at + piece.text.length <= text.length; at += 1) if (isAt(piece, text, at)) return at;
  return -1;
}
