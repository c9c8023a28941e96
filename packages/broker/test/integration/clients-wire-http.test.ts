import { expect, test } from 'vitest';
import { testBroker } from './kit.ts';
import { sasToken } from './raw-client.ts';

// azure-sdk-for-python azure/servicebus/management/_management_client.py reads names from the titles of lists; what the service
// writes there is recorded in tests/mgmt_tests/recordings (test_mgmt_queue_list_with_special_chars,
// test_mgmt_namespace_get_properties, test_mgmt_rule_create).
test('a title is the whole name of a queue or topic, and the last part of a subscription or rule', async () => {
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'txt/.-_123' }],
      topics: [{ name: 'a/t', subscriptions: [{ name: 's' }] }],
    },
  });
  const titles = async (path: string) => {
    const url = `http://localhost:${broker.port}/${path}`;
    const response = await fetch(`${url}?api-version=2021-05`, {
      headers: { authorization: sasToken(broker, url) },
    });
    const entries = (await response.text()).split('<entry').slice(1);
    return entries.map((entry) => /<title[^>]*>([^<]*)</.exec(entry)?.[1]);
  };
  expect(await titles('$Resources/queues')).toEqual(['txt/.-_123']);
  expect(await titles('txt%2F.-_123')).toEqual(['txt/.-_123']);
  expect(await titles('$Resources/topics')).toEqual(['a/t']);
  expect(await titles('a/t/subscriptions')).toEqual(['s']);
  expect(await titles('a/t/subscriptions/s/rules')).toEqual(['$Default']);
  expect(await titles('$namespaceinfo')).toEqual(['localhost']);
});
