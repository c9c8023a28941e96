import {
  ServiceBusAdministrationClient,
  type ServiceBusAdministrationClientOptions,
} from '@azure/service-bus';
import type { Broker } from '../../src/index.ts';

/** The real client over plain HTTP, as its 7.10 beta does with UseDevelopmentEmulator; 7.9.5 knows https only. */
export function adminClient(
  broker: Pick<Broker, 'connectionString'>,
  options: ServiceBusAdministrationClientOptions & { connectionString?: string } = {},
): ServiceBusAdministrationClient {
  const client = new ServiceBusAdministrationClient(options.connectionString ?? broker.connectionString, {
    ...options,
    retryOptions: { maxRetries: 0 },
  });
  const send = client.sendRequest.bind(client);
  client.sendRequest = (request) => {
    request.url = request.url.replace(/^https:/, 'http:');
    request.allowInsecureConnection = true;
    return send(request);
  };
  return client;
}
