// Tells people of new questions over HTTP: `asks: { notify: { url } }` is an agent that posts them, so retries, the limit of time and
// dead letters are those of every agent.
import type { AgentConfig, AsksConfig, ResolvedConfig } from '../contract/config.ts';
import { failure, permanent } from '../contract/failure.ts';

/** The agent behind a URL; users call none of theirs so. */
export const ASK_WEBHOOK = 'asks-webhook';

const TIMEOUT_MS = 10_000;
/** With these an endpoint may be away for about two hours. */
const RETRY = { attempts: 20, backoffMs: 1_000, maxBackoffMs: 600_000 } as const;

/** Name of the agent that is told of new questions. */
export function notifyAgentOf({ asks }: Pick<ResolvedConfig, 'asks'>): string | undefined {
  const { notify } = asks ?? {};
  if (notify === undefined) return undefined;
  return 'agent' in notify ? notify.agent : ASK_WEBHOOK;
}

/** With the agent that its URL stands for. */
export function withAskWebhook(config: ResolvedConfig): ResolvedConfig {
  const { notify } = config.asks ?? {};
  if (notify === undefined || !('url' in notify)) return config;
  return { ...config, agents: { ...config.agents, [ASK_WEBHOOK]: webhook(notify) } };
}

type Webhook = Extract<NonNullable<AsksConfig['notify']>, { readonly url: string }>;

/** The same question is posted again after a crash: receivers know it by its id. */
function webhook({ url, headers = {} }: Webhook): AgentConfig {
  return {
    timeoutMs: TIMEOUT_MS,
    deadlineMs: 86_400_000,
    retry: RETRY,
    run: async (question: { readonly id: string }, { signal }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': question.id },
        body: JSON.stringify(question),
        signal,
      });
      // Its connection is free again only when what it says is read.
      await response.arrayBuffer();
      if (response.ok) return null;
      const message = `${new URL(url).origin} took no notice of question ${question.id}: HTTP ${response.status}`;
      throw isLasting(response.status)
        ? permanent({ message, status: response.status })
        : failure('transient', { message, status: response.status });
    },
  };
}

/** Said again, it would be refused again. */
function isLasting(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}
