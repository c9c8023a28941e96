// A work: one kind of load that the client process puts on a server. They are listed in works.ts.
import type { ServiceBusClient } from '@azure/service-bus';

export interface Server {
  readonly client: ServiceBusClient;
  readonly connectionString: string;
}

/** `count` operations of its kind; resolves to the seconds they took. */
export type Work = (server: Server, count: number, progress: (done: number) => void) => Promise<number>;
