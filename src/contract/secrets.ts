/** Texts on their way to somebody else, a log, a span, an error, a state, without what looks like a secret or is one. */

/** What a secret looks like inside a text. */
const LOOKS: readonly RegExp[] = [
  /(SharedAccessKey|SharedAccessSignature|AccountKey|sig|skn|password|secret|api[-_]?key|token)\s*=\s*[^;&\s]+/gi,
  /\b(Bearer|SharedAccessSignature)\s+\S+/gi,
  /\bsk-[A-Za-z0-9_-]{8,}/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g,
  /\/\/[^/@\s]+@/g,
];

/** Of variables of the environment that hold one: MODEL_API_KEY, DB_PASSWORD. */
const SECRET_NAME = /(KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIALS?|SIGNATURE)$/i;
/** A shorter value may well be a common word. */
const MIN_LENGTH = 8;
const REDACTED = '[redacted]';

let known: readonly string[] | undefined;

export function redact(text: string): string {
  known ??= secretsOf(process.env);
  const exact = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return LOOKS.reduce((rest, look) => rest.replace(look, REDACTED), exact);
}

/** The same with every text inside an array or an object. */
export function redactAll<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(redactAll) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redactAll(one)])) as T;
}

function secretsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= MIN_LENGTH && SECRET_NAME.test(name) ? [value] : [],
  );
}
