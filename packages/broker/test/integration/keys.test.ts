import { expect, test } from 'vitest';
import type { AuthorizationRule, Broker } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { jsonWebToken } from './json-web-token.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient, sasToken } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-sas: rules of the namespace, of queues and of topics, "Rights
// required for Service Bus operations", "Regenerating and revoking keys"; .../service-bus-amqp-protocol-guide,
// "Claims-based authorization": tokens expire, and a connection without one is dropped.

const unauthorized = { code: 'UnauthorizedAccess' };

function as(broker: Broker, name: string, key: string): string {
  return `Endpoint=sb://127.0.0.1:${broker.port};SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true;`;
}

function rule(keyName: string, rights: AuthorizationRule['rights'], key = keyName): AuthorizationRule {
  return { keyName, rights, primaryKey: `${key}-1`, secondaryKey: `${key}-2` };
}

test("a topic's keys count for its subscriptions, each for what it may do", async () => {
  const broker = await testBroker({
    topology: {
      queues: [],
      topics: [
        {
          name: 't',
          authorizationRules: [
            rule('sends', ['Send']),
            rule('listens', ['Listen']),
            rule('manages', ['Manage', 'Send', 'Listen']),
          ],
          subscriptions: [{ name: 's' }],
        },
        { name: 'other', subscriptions: [{ name: 's' }] },
      ],
    },
  });
  const sends = testClient(broker, as(broker, 'sends', 'sends-2'));
  await sends.createSender('t').sendMessages({ body: 1 });
  await expect(sends.createReceiver('t', 's').receiveMessages(1)).rejects.toMatchObject(unauthorized);
  const listens = testClient(broker, as(broker, 'listens', 'listens-1'));
  expect(await listens.createReceiver('t', 's').receiveMessages(1)).toHaveLength(1);
  await expect(listens.createSender('t').sendMessages({ body: 1 })).rejects.toMatchObject(unauthorized);
  await expect(listens.createReceiver('other', 's').receiveMessages(1)).rejects.toMatchObject(unauthorized);
  const rules = (name: string) =>
    testClient(broker, as(broker, name, `${name}-1`)).createRuleManager('t', 's');
  await expect(rules('listens').createRule('r', { subject: 'x' })).rejects.toMatchObject(unauthorized);
  await rules('manages').createRule('r', { subject: 'x' });
  const manages = testClient(broker, as(broker, 'manages', 'manages-2'));
  await manages.createSender('t').sendMessages({ body: 2 });
  expect(await manages.createReceiver('t', 's').peekMessages(1)).toHaveLength(1);
});

test.each(['Queue', 'Topic'] as const)(
  'the rules of a %s are made, read, changed and removed',
  async (kind) => {
    const broker = await testBroker();
    const admin = adminClient(broker);
    const wanted = (['Send', 'Listen'] as const).map((right) => ({
      claimType: 'SharedAccessKey',
      keyName: right,
      accessRights: [right],
      primaryKey: `${right}-1`,
      secondaryKey: `${right}-2`,
    }));
    const made = await admin[`create${kind}`]('e', { authorizationRules: wanted });
    expect(made.authorizationRules).toMatchObject(wanted);
    expect((await admin[`get${kind}`]('e')).authorizationRules).toMatchObject(wanted);
    const [first, second] = made.authorizationRules ?? [];
    if (!first || !second) throw new Error('there are no rules');
    const changed = [{ ...first, accessRights: ['Listen' as const], primaryKey: 'new' }];
    await admin[`update${kind}`]({ ...made, authorizationRules: changed } as never);
    expect((await admin[`get${kind}`]('e')).authorizationRules).toMatchObject(changed);
    await admin[`update${kind}`]({ ...made, authorizationRules: [] } as never);
    expect((await admin[`get${kind}`]('e')).authorizationRules ?? []).toEqual([]);
  },
);

test.each([
  ['too many', Array.from({ length: 13 }, (_, index) => ({ keyName: `k${index}`, accessRights: ['Send'] }))],
  ['two of one name', ['k', 'k'].map((keyName) => ({ keyName, accessRights: ['Send'] }))],
  ['one without rights', [{ keyName: 'k', accessRights: [] }]],
  ['Manage alone', [{ keyName: 'k', accessRights: ['Manage'] }]],
])('%s of them is refused', async (_, rules) => {
  const authorizationRules = rules.map((each) => ({ claimType: 'SharedAccessKey', ...each }));
  await expect(
    adminClient(await testBroker()).createQueue('q', { authorizationRules } as never),
  ).rejects.toMatchObject({ statusCode: 400 });
});

test('a key that is regenerated ends its links, opens no more, and leaves those of the other', async () => {
  const broker = await testBroker(
    queues({ name: 'q', authorizationRules: [rule('both', ['Send', 'Listen'])] }),
  );
  const first = testClient(broker, as(broker, 'both', 'both-1')).createReceiver('q');
  const second = testClient(broker, as(broker, 'both', 'both-2')).createReceiver('q');
  const told = new Promise((resolve) => {
    first.subscribe({ processMessage: async () => {}, processError: async ({ error }) => resolve(error) });
  });
  expect(await second.receiveMessages(1, { maxWaitTimeInMs: 200 })).toEqual([]);
  const admin = adminClient(broker);
  const found = await admin.getQueue('q');
  const rotated = found.authorizationRules?.map((each) => ({ ...each, primaryKey: 'fresh' }));
  await admin.updateQueue({ ...found, ...(rotated ? { authorizationRules: rotated } : {}) });
  expect(await told).toMatchObject(unauthorized);
  const again = (key: string) =>
    testClient(broker, as(broker, 'both', key))
      .createSender('q')
      .sendMessages({ body: 1 });
  await expect(again('both-1')).rejects.toMatchObject(unauthorized);
  await again('fresh');
  expect(await second.receiveMessages(1)).toMatchObject([{ body: 1 }]);
});

test('a right that is taken away ends what needed it', async () => {
  const broker = await testBroker(
    queues({ name: 'q', authorizationRules: [rule('both', ['Send', 'Listen'])] }),
  );
  const client = testClient(broker, as(broker, 'both', 'both-1'));
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  expect(await receiver.receiveMessages(1)).toHaveLength(1);
  await broker.declare({
    queues: [{ name: 'q', authorizationRules: [rule('both', ['Listen'])] }],
    topics: [],
  });
  await expect(sender.sendMessages({ body: 2 })).rejects.toMatchObject(unauthorized);
  expect(await receiver.peekMessages(1)).toMatchObject([{ body: 1 }]);
});

// The protocol guide: links go when the token for their entity has expired, unless it was renewed before.
test('the links of an expired token are closed, those of a renewed one are not', async () => {
  const broker = await testBroker(queues({ name: 'old' }, { name: 'renewed' }));
  const raw = await rawClient(broker, { namespaceToken: false });
  const audience = (name: string) => `sb://127.0.0.1:${broker.port}/${name}`;
  const put = (name: string, seconds: number) =>
    raw.putToken(
      audience(name),
      sasToken(broker, audience(name), { expiresAt: Date.now() + seconds * 1000 }),
    );
  const closed = async (name: string) => {
    await put(name, 2);
    const receiver = raw.connection.open_receiver({ source: name, credit_window: 0 });
    await new Promise((resolve) => receiver.once('receiver_open', resolve));
    return new Promise<string>((resolve) => {
      receiver.once('receiver_error', () =>
        resolve(receiver.error && 'condition' in receiver.error ? (receiver.error.condition ?? '') : ''),
      );
      receiver.once('receiver_close', () => resolve('closed'));
    });
  };
  const [old, renewed] = [closed('old'), closed('renewed')];
  await put('renewed', 600);
  expect(await old).toBe('amqp:unauthorized-access');
  expect(await Promise.race([renewed, Promise.resolve('open')])).toBe('open');
  const reply = await raw.manage(
    'renewed',
    { operation: 'com.microsoft:peek-message' },
    { 'from-sequence-number': 0, 'message-count': 1 },
  );
  expect(reply.properties).toMatchObject({ statusCode: 204 });
});

test('a connection without a token is dropped', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), handshakeTimeoutMs: 2500 });
  const without = await rawClient(broker, { namespaceToken: false });
  const refused = await rawClient(broker, { namespaceToken: false });
  const fine = await rawClient(broker);
  const gone = [without, refused].map(
    ({ connection }) => new Promise((resolve) => connection.once('disconnected', resolve)),
  );
  const audience = `sb://127.0.0.1:${broker.port}/q`;
  expect(await refused.putToken(audience, jsonWebToken(-1), 'jwt')).toMatchObject({ 'status-code': 401 });
  await Promise.all(gone);
  expect(fine.connection.is_open()).toBe(true);
});

// .../service-bus-auto-forwarding: "the user must have Manage permissions on both the source entity and the destination
// entity"; the client proves it with headers of their own (src/serviceBusAtomManagementClient.ts).
test('whoever forwards needs Manage on the source and on the destination', async () => {
  const manage: AuthorizationRule['rights'] = ['Manage', 'Send', 'Listen'];
  const broker = await testBroker(
    queues(
      { name: 'source', authorizationRules: [rule('both', manage), rule('one', manage)] },
      { name: 'target', authorizationRules: [rule('both', manage)] },
    ),
  );
  const forward = async (key: string, change: object) => {
    const admin = adminClient(broker, { connectionString: as(broker, key, `${key}-1`) });
    return admin.updateQueue({ ...(await admin.getQueue('source')), ...change });
  };
  const refused = { code: 'UnauthorizedRequestError' };
  await expect(forward('one', { forwardTo: 'target' })).rejects.toMatchObject(refused);
  await expect(forward('one', { forwardDeadLetteredMessagesTo: 'target' })).rejects.toMatchObject(refused);
  await forward('one', { userMetadata: 'changed' });
  await forward('both', { forwardTo: 'target', forwardDeadLetteredMessagesTo: 'target' });
  // It is no new destination.
  await forward('one', { userMetadata: 'again' });
});

test('the state of the broker is for those who manage it', async () => {
  const broker = await testBroker({
    ...queues({ name: 'q' }),
    keys: { reads: { key: 'secret', rights: ['Listen'] } },
  });
  const url = `http://127.0.0.1:${broker.port}/$status`;
  const response = await fetch(url, { headers: { authorization: sasToken(broker, url) } });
  expect(response.status).toBe(401);
});
