/** The words of the language; keywords and names are told apart without case. */
import { createToken, Lexer, type TokenType } from 'chevrotain';

/** A letter, then letters, digits and underscores, as .NET's Char.IsLetter and Char.IsDigit see them. */
const NAME = /\p{L}[_\p{L}\p{Nd}]*/uy;
const PARAMETER = /@[_\p{L}][_\p{L}\p{Nd}]*/uy;

function at(pattern: RegExp) {
  return (text: string, offset: number): RegExpExecArray | null => {
    pattern.lastIndex = offset;
    return pattern.exec(text);
  };
}

export const Name = createToken({ name: 'Name', pattern: at(NAME), line_breaks: false });
export const Parameter = createToken({ name: 'Parameter', pattern: at(PARAMETER), line_breaks: false });
export const Delimited = createToken({
  name: 'Delimited',
  pattern: /\[(?:[^\]]|\]\])+\]/,
  line_breaks: true,
});
export const Quoted = createToken({ name: 'Quoted', pattern: /"(?:[^"]|"")+"/, line_breaks: true });
export const Text = createToken({ name: 'Text', pattern: /'(?:[^']|'')*'/, line_breaks: true });
export const Double = createToken({
  name: 'Double',
  pattern: /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/,
});
export const Long = createToken({ name: 'Long', pattern: /\d+/ });

const keywords: TokenType[] = [];
function keyword(name: string, alsoName = false): TokenType {
  const token = createToken({
    name,
    pattern: new RegExp(name, 'i'),
    longer_alt: Name,
    categories: alsoName ? [Name] : [],
  });
  keywords.push(token);
  return token;
}
export const And = keyword('AND');
export const Or = keyword('OR');
export const Not = keyword('NOT');
export const Is = keyword('IS');
export const Null = keyword('NULL');
export const In = keyword('IN');
export const Like = keyword('LIKE');
export const Escape = keyword('ESCAPE');
export const Exists = keyword('EXISTS');
export const True = keyword('TRUE');
export const False = keyword('FALSE');
// Statements begin with these; elsewhere they are names like any other.
export const Set = keyword('SET', true);
export const Remove = keyword('REMOVE', true);

export const Comparison = createToken({ name: 'Comparison', pattern: /<>|!=|<=|>=|=|<|>/ });
export const Sign = createToken({ name: 'Sign', pattern: /[+-]/ });
export const Times = createToken({ name: 'Times', pattern: /[*/%]/ });
export const Dot = createToken({ name: 'Dot', pattern: '.' });
export const Comma = createToken({ name: 'Comma', pattern: ',' });
export const Semicolon = createToken({ name: 'Semicolon', pattern: ';' });
export const Open = createToken({ name: 'Open', pattern: '(' });
export const Close = createToken({ name: 'Close', pattern: ')' });
const Space = createToken({ name: 'Space', pattern: /\s+/, group: Lexer.SKIPPED });

export const tokens: TokenType[] = [
  Space,
  ...keywords,
  Name,
  Parameter,
  Delimited,
  Quoted,
  Text,
  Double,
  Long,
  Comparison,
  Sign,
  Times,
  Dot,
  Comma,
  Semicolon,
  Open,
  Close,
];

export const lexer = new Lexer(tokens, { positionTracking: 'onlyOffset' });
