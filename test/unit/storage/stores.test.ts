import { expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { targetOf } from '../../../src/config/target.ts';
import { diagnose } from '../../../src/runtime/doctor.ts';
import { unshared } from '../../../src/storage/stores.ts';

const keyed = (host: string): string => `Endpoint=sb://${host}/;SharedAccessKeyName=k;SharedAccessKey=a2V5`;
const container = { payloadContainer: 'https://account.blob.core.windows.net/quorate' };

it.each([
  ['the embedded broker', {}, false],
  ['a broker on this machine', { connectionString: keyed('127.0.0.1:5672') }, false],
  ['a namespace by its key', { connectionString: keyed('ns.servicebus.windows.net') }, true],
  ['a namespace by its name', { namespace: 'ns.servicebus.windows.net' }, true],
  ['a namespace and a container', { namespace: 'ns.servicebus.windows.net', ...container }, false],
])('with %s other machines may be left out', (_name, settings, isUnshared) => {
  const config = resolveConfig({ machines: {}, data: '.data', ...settings }, {});
  const said = unshared(config, targetOf(config, undefined));
  expect(said === undefined).toBe(!isUnshared);
  if (isUnshared) expect(said).toMatch(/cancellations lie in .*\.data: processes on other machines/);
});

it('doctor says so before it looks at anything else', async () => {
  const findings = diagnose({ machines: {}, namespace: 'ns.servicebus.windows.net' }, {});
  const { value } = await findings.next();
  await findings.return();
  expect(value).toMatchObject({
    check: 'store',
    status: 'unknown',
    fix: expect.stringContaining('payloadContainer'),
  });
});
