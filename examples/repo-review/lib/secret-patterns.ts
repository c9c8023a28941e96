// What looks like a secret, and how to show a line without it. Every excerpt of every agent goes through `excerptsOf`.
import type { Severity } from '../protocol.ts';

export interface SecretHit {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** Where the secret itself stands in the line. */
  readonly start: number;
  readonly end: number;
}

interface SecretPattern {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** The group named `secret` is the secret; the flag `d` tells where it stands. */
  readonly expression: RegExp;
  readonly accept?: (secret: string) => boolean;
}

const MIN_ASSIGNED_BITS = 3;
const MIN_TOKEN_BITS = 4.3;
const EXCERPT_LENGTH = 140;
/** A minified line holds no line to look at, and regular expressions on it take long. */
const MAX_LINE_LENGTH = 4_000;

const PLACEHOLDER =
  /^(?:\$\{.*|\{\{.*|<.*|%.*%|\*+|x{3,}|\.{3}.*|.*(?:example|placeholder|changeme|change-me|your[-_ ]|dummy|redacted).*|password|passwd|pass|pwd|secret|token|user|undefined|null|true|false)$/i;

const notPlaceholder = (secret: string): boolean => !PLACEHOLDER.test(secret);

const PATTERNS: readonly SecretPattern[] = [
  {
    rule: 'private-key',
    severity: 'high',
    message: 'A private key is kept with the code',
    expression: /(?<secret>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.*)/dg,
  },
  {
    rule: 'known-token',
    severity: 'high',
    message: 'A token of a well-known service',
    expression:
      /\b(?<secret>AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,}|AIza[\w-]{35}|npm_[A-Za-z0-9]{36}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})/dg,
    accept: notPlaceholder,
  },
  {
    rule: 'connection-string',
    severity: 'high',
    message: 'A connection string with its password',
    expression: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"`]{1,100}:(?<secret>[^\s@'"`/]{3,200})@[\w.-]+/dgi,
    accept: notPlaceholder,
  },
  {
    rule: 'connection-string',
    severity: 'high',
    message: 'A connection string with its key',
    expression: /\b(?:SharedAccessKey|AccountKey|AccessKey)=(?<secret>[A-Za-z0-9+/]{20,}={0,2})/dgi,
  },
  {
    rule: 'hardcoded-secret',
    severity: 'high',
    message: 'A value with a telling name is written into the code',
    expression:
      /\b[\w.-]{0,40}(?:secret|token|api[_-]?key|access[_-]?key|passw(?:or)?d|pwd|credential)\w{0,20}["'`]?\s{0,4}(?::|=)\s{0,4}["'`](?<secret>[^"'`\s]{8,200})["'`]/dgi,
    accept: (secret) => notPlaceholder(secret) && /\d/.test(secret) && entropy(secret) >= MIN_ASSIGNED_BITS,
  },
  {
    rule: 'high-entropy',
    severity: 'medium',
    message: 'A long random token',
    expression: /["'`=](?<secret>[A-Za-z0-9+/_-]{32,200}={0,2})(?=["'`\s;,]|$)/dg,
    accept: looksRandom,
  },
];

/** Bits a character, from the frequencies within the text itself. */
function entropy(text: string): number {
  const seen = new Map<string, number>();
  for (const character of text) seen.set(character, (seen.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of seen.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Not hashes (content is named by them), ids, paths or words joined by dashes. */
function looksRandom(secret: string): boolean {
  if (/^[0-9a-f-]+$/i.test(secret) || /^sha\d+-/.test(secret)) return false;
  if ((secret.match(/\//g)?.length ?? 0) > 3) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(secret)).length;
  return kinds === 3 && (secret.match(/\d/g)?.length ?? 0) >= 3 && entropy(secret) >= MIN_TOKEN_BITS;
}

/** The alphabet in order is what encoders are made of, not a secret. */
const ALPHABET = /abcdefgh|ABCDEFGH|01234567/;

/** Hits in the order of the patterns; one stretch of a line is reported once, by the first that knows it. */
export function findSecrets(line: string): SecretHit[] {
  const text = line.slice(0, MAX_LINE_LENGTH);
  const hits: SecretHit[] = [];
  for (const { rule, severity, message, expression, accept } of PATTERNS) {
    for (const match of text.matchAll(expression)) {
      const [start, end] = match.indices?.groups?.['secret'] ?? [0, 0];
      const secret = text.slice(start, end);
      if (secret === '' || ALPHABET.test(secret) || !(accept?.(secret) ?? true)) continue;
      if (hits.some((hit) => start < hit.end && hit.start < end)) continue;
      hits.push({ rule, severity, message, start, end });
    }
  }
  return hits;
}

/** Shows lines of a text in a report: every secret of the whole text replaced wherever it stands, trimmed, shortened. */
export function excerptsOf(text: string): (line: string) => string {
  let known: readonly string[] | undefined;
  return (line) => {
    known ??= secretsIn(text);
    let shown = line.slice(0, MAX_LINE_LENGTH);
    for (const secret of [...secretsIn(shown), ...known]) shown = shown.replaceAll(secret, '[redacted]');
    shown = shown.trim().replaceAll(/\s+/g, ' ');
    return shown.length > EXCERPT_LENGTH ? `${shown.slice(0, EXCERPT_LENGTH - 1)}…` : shown;
  };
}

/** Long ones first: one may be a part of another. */
function secretsIn(text: string): string[] {
  const found = text
    .split('\n')
    .flatMap((line) => findSecrets(line).map(({ start, end }) => line.slice(start, end)));
  return [...new Set(found)].sort((a, b) => b.length - a.length);
}
