import { assert, constantFrom, property, string } from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { redactAll as allRedacted, redact as redacted } from '../../../src/observability/redaction.ts';

afterEach(() => vi.unstubAllEnvs());

async function secretsIn(
  env: Record<string, string>,
): Promise<typeof import('../../../src/observability/redaction.ts')> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  vi.resetModules();
  return import('../../../src/observability/redaction.ts');
}

test.each([
  ['Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=abc+/=;EntityPath=q', 'abc'],
  ['401 for Authorization: Bearer abc.def', 'abc'],
  ['postgres://app:abcdef@db/app', 'abcdef'],
  ['Incorrect API key provided: sk-abcdefgh1234', 'abcdefgh'],
  ['https://account.blob.core.windows.net/c?sv=2&sig=abc%2F&se=1', 'abc'],
])('what looks like a secret is not shown: %s', async (text, secret) => {
  const { redact } = await secretsIn({});
  expect(redact(text)).not.toContain(secret);
  expect(redact(text)).toContain('[redacted]');
});

test('values of secret variables are not shown whatever they look like, others are', async () => {
  const { redact, redactAll } = await secretsIn({ MODEL_API_KEY: 'plain words', MODEL_NAME: 'visible name' });
  expect(redact('refused plain words for visible name')).toBe('refused [redacted] for visible name');
  const error = { code: 'X', data: { tried: ['plain words', 3, null], ok: true } };
  expect(redactAll(error)).toEqual({ code: 'X', data: { tried: ['[redacted]', 3, null], ok: true } });
});

test('a short value is no secret to look for', async () => {
  const { redact } = await secretsIn({ SHORT_KEY: 'on' });
  expect(redact('based on it')).toBe('based on it');
});

const SECRET = 'hunter2hunter2';

test.each([
  ['JSON', `{"user":"u","password": "${SECRET}"}`],
  ['JSON inside of JSON', JSON.stringify({ body: JSON.stringify({ client_secret: SECRET }) })],
  ['JSON twice inside', JSON.stringify(JSON.stringify({ body: JSON.stringify({ apiKey: SECRET }) }))],
  ['JSON that was cut', `{"password": "${SECRET}`],
  ['a quote and a space inside', `{"password": "a\\" ${SECRET}"}`],
  ['a header', `x-api-key: ${SECRET}`],
  ['a header with a scheme', `Authorization: Basic ${SECRET}==`],
  ['a header that is quoted', `'authorization': 'Digest username="u", response="${SECRET}"'`],
  ['raw headers', `[ 'x-api-key', '${SECRET}' ]`],
  ['cookies', `Set-Cookie: session=abc; token2=${SECRET}; Path=/`],
  ['a line of an environment', `export DB_PASSWORD=${SECRET}`],
  ['a command line', `login --password ${SECRET} --user u`],
  ['a URL', `https://host/path?access_token=${SECRET}&x=1`],
  ['YAML', `  client-secret: ${SECRET}`],
  ['XML', `<ns:Password>${SECRET}</ns:Password>`],
  ['Ruby', `{ "api_key" => "${SECRET}" }`],
  ['a scheme alone', `sent Basic ${SECRET}==`],
  ["GitHub's token", `token: ghp_${SECRET}${SECRET}`],
  ["GitHub's token alone", `used github_pat_${SECRET}`],
  ["AWS's", 'AKIAIOSFODNN7HUNTER2HUNTER2'],
  ["Slack's", `xoxb-123-${SECRET}`],
  ['headers as Node shows them', `{ 'set-cookie': [ 'a=1', 'sid=${SECRET}; Path=/' ], date: 'x' }`],
  ['headers in JSON', `{"set-cookie":["a=1","sid=${SECRET}; Path=/"]}`],
  ['a list', `{"api_key":["${SECRET}"]}`],
  ['an object', `{"token":{"value":"${SECRET}"}}`],
  ['a quote in JSON inside of JSON', JSON.stringify({ a: JSON.stringify({ password: `a"${SECRET}` }) })],
  [
    'a scheme in JSON inside of JSON',
    JSON.stringify({ a: JSON.stringify({ authorization: `Bearer ${SECRET}` }) }),
  ],
  ['a pair in JSON', `{"name":"password","value":"${SECRET}"}`],
  ['a pair in XML', `<add key="ApiKey" value="${SECRET}"/>`],
  ['a form', `grant_type=x&client_secret=${SECRET}&scope=y`],
  ['a form that is encoded', `body=access_token%3D${SECRET}`],
  ['an account of a storage', `AccountName=a;AccountKey=${SECRET}==;EndpointSuffix=x`],
  ['a signature for a while', `SharedAccessSignature sr=sb%3a%2f%2fx&sig=${SECRET}&se=1&skn=root`],
  ['a user in a URL', `amqps://user:${SECRET}@host:5671/`],
  ['a password alone in a URL', `redis://:${SECRET}@host`],
  ["curl's user", `curl -u user:${SECRET} https://x`],
  ["OpenAI's", `sk-proj-${SECRET}`],
  ["Stripe's", `whsec_${SECRET}`],
  ["Slack's hook", `https://hooks.slack.com/services/T0/B0/${SECRET}`],
  ['a key of PGP', `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${SECRET}\n-----END PGP PRIVATE KEY BLOCK-----`],
  ['a private key', `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`],
])('no secret is shown: %s', (_, text) => {
  const shown = redacted(text);
  expect(shown.toLowerCase()).not.toContain(SECRET);
  expect(shown.toLowerCase()).not.toContain('hunter2');
  expect(shown).toContain('[redacted]');
});

test.each([
  'the model used 120 tokens: 100 in, 20 out',
  'inputTokens=100',
  'keyboard: de',
  'monkey=1',
  'secretary: Ann',
  'the task waits: 3 s',
  'tokens: [100, 20]',
  'run with -u 1000 and -up:down',
  '{"name":"monkey","value":"banana"}',
  'https://host/path?design=blue',
  'InvalidSignature: The token has an invalid signature.',
])('what is no secret is shown: %s', (text) => {
  expect(redacted(text)).toBe(text);
});

test('a field that is called as secrets are is not shown, whatever is in it', () => {
  const data = {
    'x-api-key': 'plain',
    user: 'u',
    nested: [{ refreshToken: 'a b', tokens: 3, password: '' }],
    headers: { 'set-cookie': ['sid=1'], date: 'today' },
    credentials: { user: 'u', retries: 2 },
  };
  expect(allRedacted(data)).toEqual({
    'x-api-key': '[redacted]',
    user: 'u',
    nested: [{ refreshToken: '[redacted]', tokens: 3, password: '' }],
    headers: { 'set-cookie': ['[redacted]'], date: 'today' },
    credentials: { user: '[redacted]', retries: 2 },
  });
});

const NAMES = (
  'password Password DB_PASSWORD passwd passphrase pwd secret client_secret clientSecret token access_token ' +
  'refreshToken x-auth-token api_key apiKey x-api-key API-KEY accessKey AccountKey SharedAccessKey private_key ' +
  'subscription-key authorization Proxy-Authorization signature sig credentials'
).split(' ');
/** How a name and its value may be written together. */
const SHAPES: Readonly<Record<string, (name: string, value: string) => string>> = {
  pair: (name, value) => `${name}=${value}`,
  header: (name, value) => `${name}: ${value}`,
  json: (name, value) => JSON.stringify({ a: 1, [name]: value, b: 'c' }),
  spaced: (name, value) => JSON.stringify({ [name]: value }, undefined, 2),
  nested: (name, value) => JSON.stringify({ body: JSON.stringify({ [name]: value }) }),
  inspected: (name, value) => `{ '${name}': '${value}' }`,
  code: (name, value) => `${name}: '${value}'`,
  backtick: (name, value) => `${name} = \`${value}\``,
  scheme: (name, value) => `${name}: Bearer ${value}`,
  query: (name, value) => `https://host/?x=1&${name}=${value}&y=2`,
  headers: (name, value) => `["${name}","${value}"]`,
  flag: (name, value) => `run --${name} ${value} now`,
  assigned: (name, value) => `headers["${name}"] = "${value}"`,
};

test('however a secret is called, quoted and set, it is not shown', () => {
  const words = string({ minLength: 0, maxLength: 20 }).map((text) =>
    text.replace(/[\s\S]/g, (c) => (/[\w ]/.test(c) ? c : ' ')),
  );
  assert(
    property(constantFrom(...NAMES), constantFrom(...Object.keys(SHAPES)), words, (name, shape, around) => {
      const text = `${around} ${SHAPES[shape]?.(name, SECRET)} ${around}`;
      expect(redacted(text)).not.toContain(SECRET);
    }),
    { numRuns: 2000 },
  );
});

test('a text without end takes no time without end', () => {
  for (const piece of [
    'password',
    '"',
    '\\"',
    'a'.repeat(50),
    'token:',
    '--x',
    '<a',
    '\\',
    'Basic ',
    "['",
    'token:[',
    'token:{',
    "token', ",
    '-u a',
  ]) {
    const started = process.cpuUsage();
    redacted(piece.repeat(100_000 / piece.length));
    expect(process.cpuUsage(started).user).toBeLessThan(20_000_000);
  }
});
