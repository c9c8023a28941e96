// A console, whole: the view of one Service Bus, and the server that shows it. `quorate start` has one from the beginning, `quorate console` is
// one by itself.

import type { ConnectOptions } from '../client/connect.ts';
import { readVersion } from '../common/version.ts';
import type { Logger } from '../contract/ports.ts';
import { createChartRenderer } from '../inspector/chart/renderer.ts';
import { createIndexMetrics, type IndexMetrics } from './metrics.ts';
import { openView } from './open.ts';
import type { Me } from './protocol.ts';
import { localTokens, parseTokens, type Tokens } from './server/access.ts';
import { createChangeHub } from './server/changes.ts';
import { serveConsole } from './server/server.ts';

export interface ConsoleOptions {
  readonly connect: Omit<ConnectOptions, 'logger'>;
  readonly logger: Logger;
  readonly types: readonly string[];
  readonly port: number;
  readonly host: string;
  readonly basePath: string;
  /** `reader=…,operator=…,admin=…`; absent: those of the data folder. */
  readonly tokens: string | undefined;
  readonly entra: boolean;
}

export interface Console {
  /** Without a token. */
  readonly url: string;
  /** With the token of an admin, where this process knows one: with it everything may be done. */
  readonly address: string;
  readonly metrics: Pick<IndexMetrics, 'text' | 'refresh'>;
  close(): Promise<void>;
}

export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { logger, port, host, basePath, entra } = options;
  const changes = createChangeHub();
  const view = await openView({ ...options, onTaken: (records) => changes.changed(records) });
  const charts = createChartRenderer();
  const metrics = createIndexMetrics({ ...view, logger });
  const close = async (): Promise<void> => {
    metrics.close();
    await charts.close();
    await view.close();
  };
  try {
    const tokens: Tokens =
      options.tokens === undefined ? localTokens(view.data) : parseTokens(options.tokens);
    const version = readVersion();
    const server = await serveConsole({
      port,
      host,
      basePath,
      tokens,
      entra,
      logger,
      changes,
      context: {
        ...view,
        me: ({ name, role }) =>
          ({ name, role, version, broker: view.broker, prefix: view.prefix }) satisfies Me,
        draw: (definition) => charts.render(definition),
      },
    });
    const { admin } = tokens;
    return {
      url: server.url,
      address:
        options.tokens === undefined && admin !== undefined ? `${server.url}#token=${admin}` : server.url,
      metrics,
      close: async () => {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
