import { describe, expect, it } from 'vitest';
import { createConnector } from '../../../../src/bridge/connection/connection.ts';

const from = (connectionString: string) => createConnector({ kind: 'connectionString', connectionString });
const KEY = 'SharedAccessKeyName=n;SharedAccessKey=a2V5';

describe('createConnector', () => {
  it.each([
    [`Endpoint=sb://a.servicebus.windows.net/;${KEY}`, 'a.servicebus.windows.net', 5671, false],
    [`Endpoint=sb://127.0.0.1:4000;${KEY};UseDevelopmentEmulator=true;`, '127.0.0.1', 4000, true],
    [`${KEY};Endpoint=sb://localhost;UseDevelopmentEmulator=true`, 'localhost', 5672, true],
  ])('reads %s', async (connectionString, host, port, isEmulator) => {
    expect(await from(connectionString)).toMatchObject({ host, port, isEmulator });
  });

  it('says in a line, without the key, what is wrong with a connection string', async () => {
    await expect(from('nonsense')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const incomplete = await from('Endpoint=sb://localhost/;SharedAccessKeyName=n');
    const error = (() => {
      try {
        incomplete.createClient('sending');
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('lets the SDK repeat nothing on a client that commits (I1)', async () => {
    const connector = await from(`Endpoint=sb://localhost/;${KEY}`);
    // The SDK shows its options nowhere else.
    expect(connector.createClient('committing').client).toMatchObject({
      _clientOptions: { retryOptions: { maxRetries: 0 } },
    });
  });

  it('takes a namespace', async () => {
    const connector = await createConnector({ kind: 'namespace', namespace: 'a.servicebus.windows.net' });
    expect(connector).toMatchObject({ host: 'a.servicebus.windows.net', port: 5671, isEmulator: false });
    expect(connector.createClient('committing').client.fullyQualifiedNamespace).toBe(
      'a.servicebus.windows.net',
    );
  });
});
