/**
 * Clients that trust the broker by NODE_EXTRA_CA_CERTS, which Node reads at its start only: prints what they found.
 * `node tls-client-process.ts <host:port> <connection string>`
 */
import { ServiceBusAdministrationClient, ServiceBusClient } from '@azure/service-bus';
import { WebSocket } from 'ws';
import { credential } from './json-web-token.ts';

const [, , host = '', connectionString = ''] = process.argv;
const found: Record<string, unknown> = {};

const admin = new ServiceBusAdministrationClient(host, credential);
await admin.createQueue('by-credential', { maxDeliveryCount: 3 });
found['queue'] = (await admin.getQueue('by-credential')).maxDeliveryCount;
found['exists'] = await new ServiceBusAdministrationClient(connectionString).queueExists('by-credential');

for (const [name, client] of Object.entries({
  credential: new ServiceBusClient(host, credential),
  connectionString: new ServiceBusClient(connectionString),
  webSocket: new ServiceBusClient(host, credential, { webSocketOptions: { webSocket: observed() } }),
})) {
  await client.createSender('by-credential').sendMessages({ body: name });
  const receiver = client.createReceiver('by-credential');
  const [message] = await receiver.receiveMessages(1);
  if (message) await receiver.completeMessage(message);
  found[name] = message?.body;
  await client.close();
}
process.stdout.write(JSON.stringify(found));

/** Notes what the client asks for. */
function observed(): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocols: string[], options: object) {
      found['url'] = url;
      found['subprotocol'] = protocols;
      super(url, protocols, options);
    }
  } as typeof WebSocket;
}
