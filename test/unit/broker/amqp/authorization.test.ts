import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkSharedAccessSignature, covers, entityPath } from '../../../../src/broker/amqp/authorization.ts';
import { ServiceError } from '../../../../src/broker/errors.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-sas

const keys = { root: 'c2VjcmV0' };
const NOW = 1_700_000_000_000;

function token(resource: string, key = keys.root, name = 'root', expires = NOW / 1000 + 60): string {
  const encoded = encodeURIComponent(resource);
  const signature = createHmac('sha256', key).update(`${encoded}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expires}&skn=${name}`;
}

const check = (text: string, audience = 'sb://h/q') => checkSharedAccessSignature(text, audience, keys, NOW);

test('a right signature gives its claim', () => {
  expect(check(token('sb://h/q'))).toEqual({ audience: 'sb://h/q', expiresAt: NOW + 60_000 });
  expect(check(token('http://other.name/'), 'sb://h/q/$management')).toMatchObject({
    expiresAt: NOW + 60_000,
  });
});

test.each([
  ['a wrong key', token('sb://h/q', 'no')],
  ['an unknown key name', token('sb://h/q', keys.root, 'other')],
  ['an expired token', token('sb://h/q', keys.root, 'root', NOW / 1000)],
  ['an expiry that is no number', token('sb://h/q').replace(/se=\d+/, 'se=later')],
  ['another entity', token('sb://h/q2')],
  ['a missing field', token('sb://h/q').replace(/&skn=.*/, '')],
  ['something else', 'Bearer x'],
])('%s is refused', (_, text) => {
  expect(check(text)).toBeInstanceOf(ServiceError);
});

test('a claim covers what lies below it and nothing beside it', () => {
  expect(entityPath('sb://host:5672/Topic/Subscriptions/Sub')).toBe('topic/subscriptions/sub');
  expect(covers('', 'q')).toBe(true);
  expect(covers('q', 'q/$management')).toBe(true);
  expect(covers('q', 'q2')).toBe(false);
});
