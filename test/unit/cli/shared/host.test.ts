// When a process of the command line has traces. What happens without the package is in test/e2e/package.test.ts.
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { startTelemetry } from '../../../../src/cli/shared/host.ts';
import type { Logger } from '../../../../src/contract/ports.ts';

const warnings: string[] = [];
const ignore = (): void => undefined;
const logger: Logger = {
  debug: ignore,
  info: ignore,
  warn: (message) => void warnings.push(message),
  error: ignore,
};

it.each([
  ['no variable', {}],
  [
    'variables that are set to nothing',
    { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '' },
  ],
  ['variables that ask for no traces', { OTEL_SERVICE_NAME: 'mine', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }],
])('starts nothing for %s', async (_, env) => {
  expect(await startTelemetry(undefined, env, logger)).toBeUndefined();
  expect(warnings).toEqual([]);
});

it('says a trace file that cannot be written as a fault of the configuration', async () => {
  const starting = startTelemetry(tmpdir(), {}, logger);
  await expect(starting).rejects.toMatchObject({
    name: 'QuorateError',
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^the trace file cannot be written: EISDIR/),
  });
});
