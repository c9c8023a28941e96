import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.unstubAllEnvs());

async function secretsIn(
  env: Record<string, string>,
): Promise<typeof import('../../../src/contract/secrets.ts')> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  vi.resetModules();
  return import('../../../src/contract/secrets.ts');
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
