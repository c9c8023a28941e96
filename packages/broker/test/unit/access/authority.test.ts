import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { Authority, checkJsonWebToken } from '../../../src/access/authority.ts';
import { covers, entityPath, signersOf } from '../../../src/access/grant.ts';
import { checkSharedAccessSignature } from '../../../src/access/shared-access-signature.ts';
import { ServiceError } from '../../../src/errors.ts';
import type { AuthorizationRule } from '../../../src/index.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-sas and service-bus-authentication-and-authorization

const ROOT = 'c2VjcmV0';
const NOW = 1_700_000_000_000;
const rule: AuthorizationRule = {
  keyName: 'sender',
  rights: ['Send'],
  primaryKey: 'first',
  secondaryKey: 'second',
};
const signers = signersOf({ root: ROOT }, () => [{ path: 'Q', rules: [rule] }]);

function token(resource: string, key = ROOT, name = 'root', expires = NOW / 1000 + 60): string {
  const encoded = encodeURIComponent(resource);
  const signature = createHmac('sha256', key).update(`${encoded}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expires}&skn=${name}`;
}

const check = (text: string, audience = 'sb://h/q') =>
  checkSharedAccessSignature(text, audience, signers, NOW);

test('a right signature grants what its key may do', () => {
  const all = { rights: ['Manage', 'Send', 'Listen'], expiresAt: NOW + 60_000 };
  expect(check(token('sb://h/q'))).toMatchObject({ path: 'q', ...all });
  expect(check(token('http://other.name/'), 'sb://h/q/$management')).toMatchObject({
    path: 'q/$management',
    ...all,
  });
});

// service-bus-sas, "Regenerating and revoking keys": a token is worth nothing once its key is not the rule's any more.
test('a grant is worth what its key is worth now', () => {
  let rules: AuthorizationRule[] = [
    { keyName: 'k', rights: ['Send'], primaryKey: 'one', secondaryKey: 'two' },
  ];
  const authority = new Authority(
    signersOf({}, () => [{ path: 'q', rules }]),
    () => NOW,
    false,
  );
  const grant = authority.check('sas', token('sb://h/q', 'one', 'k'), 'sb://h/q');
  if (grant instanceof ServiceError) throw grant;
  expect(authority.review(grant)).toEqual(grant);
  rules = rules.map((each) => ({ ...each, rights: ['Listen'] }));
  expect(authority.review(grant)).toMatchObject({ rights: ['Listen'] });
  rules = rules.map((each) => ({ ...each, primaryKey: 'three' }));
  expect(authority.review(grant)).toBeUndefined();
});

test.each(['first', 'second'])('the %s key of a rule signs for its entity and for no other', (key) => {
  expect(check(token('sb://h/q', key, 'sender'))).toMatchObject({ path: 'q', rights: ['Send'] });
  expect(check(token('sb://h/q/$management', key, 'sender'), 'sb://h/q/$management')).toMatchObject({
    rights: ['Send'],
  });
  expect(check(token('sb://h/q2', key, 'sender'), 'sb://h/q2')).toBeInstanceOf(ServiceError);
  expect(check(token('sb://h/', key, 'sender'))).toBeInstanceOf(ServiceError);
});

test.each([
  ['a wrong key', token('sb://h/q', 'no')],
  ['an unknown key name', token('sb://h/q', ROOT, 'other')],
  ['a name that every object has', token('sb://h/q', ROOT, 'constructor')],
  ['an expired token', token('sb://h/q', ROOT, 'root', NOW / 1000)],
  ['an expiry that is no number', token('sb://h/q').replace(/se=\d+/, 'se=later')],
  ['another entity', token('sb://h/q2')],
  ['a missing field', token('sb://h/q').replace(/&skn=.*/, '')],
  ['a percent sign that leads nowhere', token('sb://h/q').replace(/sig=[^&]*/, 'sig=%')],
  ['something else', 'Bearer x'],
])('%s is refused', (_, text) => {
  expect(check(text)).toBeInstanceOf(ServiceError);
});

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.unchecked`;
const audience = 'https://servicebus.azure.net';
const later = NOW / 1000 + 60;

test.each([
  'https://servicebus.azure.net',
  'https://servicebus.azure.net/',
  'https://ns.servicebus.windows.net',
])('a token for %s grants everything until it expires', (aud) => {
  expect(checkJsonWebToken(jwt({ aud, exp: later }), 'sb://h/q', NOW)).toEqual({
    path: 'q',
    rights: ['Manage', 'Send', 'Listen'],
    expiresAt: later * 1000,
  });
});

test.each([
  ['an expired token', jwt({ aud: audience, exp: NOW / 1000 })],
  ['a token without an expiry', jwt({ aud: audience })],
  ['a token that is not yet valid', jwt({ aud: audience, exp: later, nbf: later })],
  ['a token for something else', jwt({ aud: 'https://vault.azure.net', exp: later })],
  ['a name that only begins like the audience', jwt({ aud: `${audience}.evil.org`, exp: later })],
  ['what is no token', 'any.thing.here'],
])('%s is refused', (_, text) => {
  expect(checkJsonWebToken(text, 'sb://h/q', NOW)).toBeInstanceOf(ServiceError);
});

test('a claim covers what lies below it and nothing beside it', () => {
  expect(entityPath('sb://host:5672/Topic/Subscriptions/Sub')).toBe('topic/subscriptions/sub');
  expect(entityPath('https://host:5672/q?api-version=2021-05')).toBe('q');
  expect(covers('', 'q')).toBe(true);
  expect(covers('q', 'q/$management')).toBe(true);
  expect(covers('q', 'q2')).toBe(false);
});
