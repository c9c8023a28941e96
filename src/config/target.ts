// Which Service Bus: a namespace, a connection string, or the embedded broker. Decided once, from the configuration alone.
import { resolve } from 'node:path';
import type { ResolvedConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import type { RuntimeInfo } from '../contract/runtime.ts';

export type Address =
  | { readonly kind: 'namespace'; readonly namespace: string }
  | { readonly kind: 'connectionString'; readonly connectionString: string };

export interface Connection {
  readonly mode: RuntimeInfo['mode'];
  /** Host and port, never a key. */
  readonly endpoint: string;
  readonly connection: Address;
  /** The topology was declared in the broker itself. */
  readonly embedded: boolean;
  readonly close: () => Promise<void>;
}

export type Target =
  | {
      readonly mode: 'namespace' | 'connection-string';
      readonly endpoint: string;
      readonly connection: Address;
    }
  | { readonly mode: 'embedded' };

export function targetOf(config: ResolvedConfig, nodeEnv: string | undefined): Target {
  const { connectionString, namespace } = config;
  if (config.broker === 'embedded') return { mode: 'embedded' };
  if (connectionString !== undefined) {
    const connection = { kind: 'connectionString', connectionString } as const;
    return { mode: 'connection-string', endpoint: endpointOf(connectionString), connection };
  }
  if (namespace !== undefined)
    return { mode: 'namespace', endpoint: namespace, connection: { kind: 'namespace', namespace } };
  if (nodeEnv === 'production') {
    throw new QuorateError(
      'PRODUCTION_NEEDS_NAMESPACE',
      'NODE_ENV is production and no Service Bus namespace is configured',
    );
  }
  return { mode: 'embedded' };
}

function endpointOf(connectionString: string): string {
  const match = /Endpoint=(?:sb|amqps?):\/\/([^/;]+)/i.exec(connectionString);
  if (match?.[1] === undefined)
    throw new QuorateError(
      'CONFIG_INVALID',
      'connectionString (QUORATE_CONNECTION_STRING): no Endpoint=sb://… in it',
    );
  return match[1];
}

export function dataFolderOf(config: ResolvedConfig): string {
  return resolve(config.data);
}
