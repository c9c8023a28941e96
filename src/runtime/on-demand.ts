// Machine modules import `quorate` in every worker thread, for `agent()` or `saga()` alone: the runtime and the Azure SDK,
// over 100 MB together, are loaded when one of these functions is called.
import type { ConnectOptions } from '../client/connect.ts';
import { outsideRequests } from '../common/root-context.ts';
import type { Environment } from '../config/resolve.ts';
import type { QuorateClient } from '../contract/client.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { RuntimeOptions } from '../contract/runtime.ts';
import type { LocalRuntime } from './counters.ts';

/**
 * A client in any process: it needs no machine and no agent, only to reach the same Service Bus. It joins the embedded broker of the data
 * folder, or connects to the namespace that options or environment name.
 *
 * @param options Default: the environment, else the embedded broker of `.quorate`.
 * @returns A client. Its types come from `C`: `connect<typeof config>()`. Close it when it is no longer needed.
 * @throws CONNECTION_FAILED when no embedded broker was started in the data folder; CONFIG_INVALID, PRODUCTION_NEEDS_NAMESPACE;
 * PACKAGE_MISSING where the embedded broker is needed and not installed. A namespace is reached by the first call.
 * @example
 * ```ts
 * import type { config } from './quorate.config.ts';
 *
 * const client = await connect<typeof config>();
 * const output = await client.run('summary', { id: 'one', input: { text: 'It works.' } });
 * await client.close();
 * ```
 */
export async function connect<C extends QuorateConfig>(
  options: ConnectOptions = {},
): Promise<QuorateClient<C>> {
  const module = await outsideRequests(() => import('../client/connect.ts'));
  return outsideRequests(() => module.connect<C>(options));
}

/**
 * Hosts actors and agents in this process, as `quorate start` does. It is ready when the promise resolves. It sets no handler of the
 * process and keeps nothing global: several can live side by side.
 *
 * @param config Machines by `new URL('./x.machine.ts', import.meta.url)`: code has no folder that a relative path could start from.
 * @param options A logger, an inspection sink, a clock, another environment.
 * @returns The runtime, with its client as `client`. Call `stop()` to drain it.
 * @throws A QuorateError whose code says what to fix: CONFIG_INVALID, MACHINE_NOT_DURABLE, AGENT_NOT_FOUND, MODULE_NOT_LOADED,
 * TOPOLOGY_MISMATCH, CONNECTION_FAILED, UNAUTHORIZED, PRODUCTION_NEEDS_NAMESPACE, PACKAGE_MISSING, a BROKER_ or a DATA_ code.
 * @example
 * ```ts
 * const runtime = await createRuntime(config);
 * process.once('SIGTERM', () => void runtime.stop());
 * await runtime.client.start('review', { id: 'r1', input: { folder: 'src' } });
 * ```
 */
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
