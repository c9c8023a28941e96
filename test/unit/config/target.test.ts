import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { dataFolderOf, targetOf } from '../../../src/config/target.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';

const KEY = 'c2VjcmV0';
const connectionString = `Endpoint=sb://bus.example/;SharedAccessKeyName=n;SharedAccessKey=${KEY}`;
const target = (fields: Partial<QuorateConfig>, nodeEnv?: string) =>
  targetOf(resolveConfig({ machines: {}, ...fields }, {}), nodeEnv);

describe('which Service Bus', () => {
  it('is the embedded broker when nothing is named, but never so in production unless it is asked for', () => {
    expect(target({})).toEqual({ mode: 'embedded' });
    expect(() => target({}, 'production')).toThrow(
      expect.objectContaining({ code: 'PRODUCTION_NEEDS_NAMESPACE' }),
    );
    expect(target({ broker: 'embedded' }, 'production')).toEqual({ mode: 'embedded' });
  });

  it('is the connection string before the namespace; the endpoint shows no key', () => {
    const named = target({ connectionString, namespace: 'ns.servicebus.windows.net' }, 'production');
    expect(named).toMatchObject({ mode: 'connection-string', endpoint: 'bus.example' });
    expect(target({ namespace: 'ns.servicebus.windows.net' })).toMatchObject({
      mode: 'namespace',
      endpoint: 'ns.servicebus.windows.net',
    });
  });

  it('refuses a connection string without an endpoint, and does not repeat it', () => {
    const broken = `SharedAccessKeyName=n;SharedAccessKey=${KEY}`;
    expect(() => target({ connectionString: broken })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(() => target({ connectionString: broken })).not.toThrow(KEY);
  });
});

it('the data folder is absolute', () => {
  expect(dataFolderOf(resolveConfig({ machines: {}, data: 'here' }, {}))).toBe(resolve('here'));
});
