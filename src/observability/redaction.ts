/** Texts on their way to somebody else, a log, a span, an error, a state, without what looks like a secret or is one. */

/** How secrets are called: the end of a name, so that `x-api-key` and `DB_PASSWORD` are meant and `tokens` is not. */
const NAMES = [
  'SharedAccessKey',
  'SharedAccessSignature',
  '(?:access|account|api|auth|encryption|private|secret|signing|subscription|functions)[-_ ]?key',
  'pass(?:word|wd|phrase|code)',
  'pwd',
  'secret',
  'token',
  'credentials?',
  'authorization',
  'signature',
  'sig',
  'skn',
  'cookie',
].join('|');
const SCHEMES =
  'Basic|Bearer|Digest|Negotiate|ApiKey|Token|SharedKey(?:Lite)?|SharedAccessSignature|AWS4-HMAC-SHA256';
/** A text in quotes: plain, with quotes inside that are escaped, cut off in its middle, or in JSON inside of JSON. */
const QUOTED = ['"', "'", '`']
  .map((quote) => String.raw`${quote}(?:[^${quote}\\]|\\[\s\S])*${quote}?`)
  .concat(
    String.raw`(?<escape>\\+)(?<quote>["'])(?:(?!(?<!\\)\k<escape>\k<quote>)[\s\S])*(?:\k<escape>\k<quote>)?`,
  )
  .join('|');
const BARE = String.raw`(?:(?:${SCHEMES})\s+)?[^\s;&"'\x60]+`;
/** Of headers, as Node and JSON show them: all that is in it. */
const LISTED = String.raw`\[[^\]]*\]?|\{[^}]*\}?`;
/** What a name in quotes ends with, and what stands between it and its value. */
const BETWEEN = String.raw`\\*["'\x60]?\]?\s*(?:=>|:=|[:=]|%3[AD]|(?<=["'])\s*,)\s*`;

/** What a secret looks like inside a text. */
const LOOKS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)/g,
  /(?:set-)?cookie\s*:\s*[^\s"'][^\r\n]*/gi,
  // A pair of a name and a value, in JSON and in XML.
  new RegExp(
    String.raw`(?:${NAMES})\\*["'][\s,]{1,20}\\*["']?value\\*["']?\s{0,20}[:=]\s{0,20}(?:${QUOTED}|${BARE})`,
    'gi',
  ),
  // `InvalidSignature:` is the name of an error, and what follows says why.
  new RegExp(String.raw`(?<!\bInvalid)(?:${NAMES})${BETWEEN}(?:${QUOTED}|${LISTED}|${BARE})`, 'gi'),
  // On a command line, and in XML.
  new RegExp(String.raw`--[\w-]{0,40}?(?:${NAMES})\s+(?:${QUOTED}|[^\s-]\S*)`, 'gi'),
  new RegExp(String.raw`<[\w:-]{0,40}?(?:${NAMES})>[^<]*`, 'gi'),
  new RegExp(String.raw`\b(?:${SCHEMES})\s+[\w+/=.~%&-]{6,}`, 'gi'),
  /(?<![\w-])-u\s+[^\s:]{1,200}:\S+/g,
  /\bhooks\.slack\.com\/\S+/g,
  /\b(?:sk|pk|rk|whsec)[-_][A-Za-z0-9_-]{8,}/g,
  /\bgh[opsur]_[A-Za-z0-9]{8,}|\bgithub_pat_\w{8,}|\bglpat-[\w-]{8,}|\bnpm_[A-Za-z0-9]{16,}|\bhf_[A-Za-z0-9]{16,}/g,
  /\bxox[a-z]-[\w-]{8,}|\bA(?:KIA|SIA)[0-9A-Z]{12,}|\bAIza[\w-]{20,}/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g,
  /\/\/[^/@\s]+@/g,
];

/** Of variables of the environment that hold one: MODEL_API_KEY, DB_PASSWORD. */
const SECRET_NAME = /(KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIALS?|SIGNATURE)$/i;
/** Of fields of an object; a `key` may well be none there. */
const SECRET_FIELD = new RegExp(`(?:${NAMES})$`, 'i');
/** A shorter value may well be a common word. */
const MIN_LENGTH = 8;
const REDACTED = '[redacted]';

let known: readonly string[] | undefined;

export function redact(text: string): string {
  known ??= secretsOf(process.env);
  const exact = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return LOOKS.reduce((rest, look) => rest.replace(look, REDACTED), exact);
}

/** The same with every text inside an array or an object, and all texts below a field that is called as secrets are. */
export function redactAll<T>(value: T): T {
  return mapTexts(value, false) as T;
}

function mapTexts(value: unknown, isSecret: boolean): unknown {
  if (typeof value === 'string') return isSecret && value !== '' ? REDACTED : redact(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, isSecret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, mapTexts(one, isSecret || SECRET_FIELD.test(name))]),
  );
}

function secretsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= MIN_LENGTH && SECRET_NAME.test(name) ? [value] : [],
  );
}
