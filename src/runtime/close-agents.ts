// What agents opened is closed when the last of their attempts is over. How that ends is their own affair: it is logged, and not
// waited for without end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResolvedConfig } from '../contract/config.ts';
import { toErrorJson } from '../contract/errors.ts';
import type { Logger } from '../contract/ports.ts';

/** More than a child process gets to end by itself. */
const LIMIT_MS = 10_000;

interface Closing {
  readonly config: Pick<ResolvedConfig, 'agents'>;
  readonly logger: Logger;
  readonly limitMs?: number;
}

export async function closeAgents({ config, logger, limitMs = LIMIT_MS }: Closing): Promise<void> {
  const over = new AbortController();
  const closing = Object.entries(config.agents).map(async ([name, agent]) => {
    if (!('run' in agent) || agent.close === undefined) return;
    const late = sleep(limitMs, 'late' as const, { signal: over.signal, ref: false }).catch(() => undefined);
    try {
      const ended = await Promise.race([agent.close(), late]);
      if (ended === 'late') logger.warn(`agent '${name}' did not close within ${limitMs} ms`);
    } catch (thrown) {
      const { code, message } = toErrorJson(thrown, 'INTERNAL');
      logger.warn(`agent '${name}' did not close: ${message}`, { code, agent: name });
    }
  });
  await Promise.all(closing);
  over.abort();
}
