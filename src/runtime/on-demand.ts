// Machine modules import `quorate` in every worker thread, for `agent()` or `saga()` alone: the runtime and the Azure SDK,
// over 100 MB together, are loaded when one of these functions is called.
import type { ConnectOptions } from '../client/connect.ts';
import { outsideRequests } from '../common/root-context.ts';
import type { Environment } from '../config/resolve.ts';
import type { QuorateClient } from '../contract/client.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { RuntimeOptions } from '../contract/runtime.ts';
import type { LocalRuntime } from './counters.ts';

/** Joins the embedded broker of the data folder, or connects to the namespace that options or environment name. */
export async function connect<C extends QuorateConfig>(
  options: ConnectOptions = {},
): Promise<QuorateClient<C>> {
  const module = await outsideRequests(() => import('../client/connect.ts'));
  return outsideRequests(() => module.connect<C>(options));
}

/** Hosts actors and agents in this process. Throws a QuorateError whose code says what to fix. */
export async function createRuntime<C extends QuorateConfig>(
  config: C,
  options: RuntimeOptions = {},
): Promise<LocalRuntime<C>> {
  const module = await outsideRequests(() => import('./runtime.ts'));
  return module.createRuntime(config, options);
}

/** Imports a configuration file, .ts or .js: its default export or `config`. Throws CONFIG_NOT_FOUND or CONFIG_INVALID. */
export async function loadConfig(path: string): Promise<QuorateConfig> {
  const module = await import('../config/resolve.ts');
  return module.loadConfig(path);
}

/** The configuration with environment and defaults filled in. Throws CONFIG_INVALID, one line a problem. */
export async function resolveConfig(config: QuorateConfig, env: Environment = {}): Promise<ResolvedConfig> {
  const module = await import('../config/resolve.ts');
  return module.resolveConfig(config, env);
}
