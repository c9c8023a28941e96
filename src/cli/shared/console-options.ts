// What of a configuration the console needs: where Service Bus and the payload store are, where it listens, and who may look.
import type { Environment } from '../../config/resolve.ts';
import type { ConsoleOptions } from '../../console/console.ts';
import type { ResolvedConfig } from '../../contract/config.ts';

export function consoleOptions(
  config: ResolvedConfig,
  env: Environment,
): Omit<ConsoleOptions, 'types' | 'logger'> {
  const { prefix, data, payloadCompression, payloadCodecs, consolePort, consoleHost } = config;
  const { namespace, connectionString, broker, payloadContainer, payloadConnectionString } = config;
  return {
    connect: {
      prefix,
      data,
      payloadCompression,
      payloadCodecs,
      ...(namespace === undefined ? {} : { namespace }),
      ...(connectionString === undefined ? {} : { connectionString }),
      ...(broker === undefined ? {} : { broker }),
      ...(payloadContainer === undefined ? {} : { payloadContainer }),
      ...(payloadConnectionString === undefined ? {} : { payloadConnectionString }),
      env: { NODE_ENV: env['NODE_ENV'] },
    },
    port: consolePort === false ? 0 : consolePort,
    host: consoleHost,
    basePath: config.consoleBasePath ?? '',
    tokens: config.consoleTokens,
    entra: config.consoleIdentity === 'entra',
  };
}
