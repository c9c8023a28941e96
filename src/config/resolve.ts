// From a configuration file to a checked configuration: the file is imported by Node itself, the environment wins over
// it, and every problem is one line that names its field.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import { ASK_WEBHOOK, withAskWebhook } from './ask-webhook.ts';
import { importFault } from './import-fault.ts';
import { configSchema, ENVIRONMENT } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Imports a `.ts` or `.js` configuration: its default export, or the one named `config`. Not yet checked. */
export async function loadConfig(path: string): Promise<QuorateConfig> {
  const file = resolve(path);
  if (!(await isFile(file))) {
    throw new QuorateError('CONFIG_NOT_FOUND', `There is no configuration file at ${file}.`);
  }
  const url = pathToFileURL(file);
  const config = pickExport(await importModule(url, path));
  if (typeof config !== 'object' || config === null) {
    throw new QuorateError(
      'CONFIG_INVALID',
      `${path}: export the configuration as default or as \`config\`.`,
    );
  }
  return withLocations(config as QuorateConfig, url);
}

/** Fills every default in. The environment wins; an empty variable counts as not set. */
export function resolveConfig(config: QuorateConfig, env: Environment = {}): ResolvedConfig {
  const set = environmentFields(env);
  const parsed = configSchema.safeParse({ ...productionDefaults(env), ...config, ...set.fields });
  const lines = parsed.error?.issues.flatMap((issue) => describeIssue(issue, [], set)) ?? [];
  lines.push(...misspelt(env), ...homeless(config));
  if (parsed.success)
    lines.push(
      ...unlimited(parsed.data),
      ...unpriced(parsed.data),
      ...agentless(parsed.data),
      ...outOfLane(parsed.data),
      ...untold(parsed.data),
    );
  if (parsed.success && lines.length === 0) return withAskWebhook(parsed.data);
  throw new QuorateError('CONFIG_INVALID', lines.join('\n'));
}

/** Read elsewhere: by the command line, and by this project's own tests and benches. */
const OTHER_VARIABLES = /^QUORATE_(LOG$|CONSOLE_TOKEN$|TEST_|BENCH_|CHAOS_|FUZZ_|MUTATION$|PLANTED$|ROOT$)/;
/** What Kubernetes sets in every pod beside a service that is called quorate. */
const OF_KUBERNETES = /^QUORATE_(SERVICE_(HOST|PORT)|PORT_\d+_)/;

/** Refuses variables that nobody reads: with a misspelt one the embedded broker would start without a word. */
function misspelt(env: Environment): string[] {
  const known = Object.keys(ENVIRONMENT);
  return Object.entries(env).flatMap(([name, value]) => {
    const isOurs = name.startsWith('QUORATE_') && value !== undefined && value !== '';
    if (!isOurs || known.includes(name) || OTHER_VARIABLES.test(name) || OF_KUBERNETES.test(name)) return [];
    const near = nearest(name, [...known, 'QUORATE_LOG']);
    return [`${name}: there is no such variable${near === undefined ? '' : `; did you mean ${near}?`}`];
  });
}

/** Refuses subscriptions whose copies nobody would do. */
function agentless(config: ResolvedConfig): string[] {
  return Object.entries(config.topics ?? {}).flatMap(([topic, { subscriptions }]) =>
    Object.entries(subscriptions).flatMap(([name, agent]) =>
      Object.hasOwn(config.agents, agent)
        ? []
        : [`topics.${topic}.subscriptions.${name}: there is no agent '${agent}'`],
    ),
  );
}

/** Refuses a question that nobody would be told of. */
function untold({ agents, asks }: ResolvedConfig): string[] {
  const { notify } = asks ?? {};
  if (notify === undefined) return [];
  if ('agent' in notify)
    return Object.hasOwn(agents, notify.agent)
      ? []
      : [`asks.notify.agent: there is no agent '${notify.agent}'`];
  return Object.hasOwn(agents, ASK_WEBHOOK)
    ? [`agents.${ASK_WEBHOOK}: is the name of the agent behind asks.notify.url; choose another`]
    : [];
}

/** Refuses a lane that copies would pass by: nobody can hold one back (docs/decisions/0107). */
function outOfLane({ agents, topics }: ResolvedConfig): string[] {
  return Object.entries(topics ?? {}).flatMap(([topic, { subscriptions }]) =>
    Object.entries(subscriptions).flatMap(([name, agent]) =>
      Object.hasOwn(agents, agent) && (agents[agent]?.lane ?? false) !== false
        ? [
            `topics.${topic}.subscriptions.${name}: the agent '${agent}' has a lane, which cannot hold copies of a broadcast back; name another agent here, without one`,
          ]
        : [],
    ),
  );
}

/** Refuses relative paths. `loadConfig` has resolved those of a file; a configuration in code has no folder. */
function homeless({ machines, agents }: QuorateConfig): string[] {
  const lines = (group: string, entries: unknown): string[] =>
    Object.entries((entries ?? {}) as Record<string, Located | null>).flatMap(([name, entry]) => {
      const where = `${group}.${name}`;
      const module = entry?.module;
      const why = `is relative, and a configuration in code has no folder; write new URL('${String(module)}', import.meta.url)`;
      const own = isRelative(module) ? [`${where}.module: '${String(module)}' ${why}`] : [];
      return [...own, ...lines(`${where}.versions`, entry?.versions)];
    });
  return [...lines('machines', machines), ...lines('agents', agents)];
}

/** Refuses a budget in USD where what a model costs is not known. */
function unpriced({ agents, budgets, prices }: ResolvedConfig): string[] {
  const [tenant] = Object.entries(budgets).find(([, { usdPerDay }]) => usdPerDay !== undefined) ?? [];
  if (tenant === undefined) return [];
  return Object.entries(agents).flatMap(([name, { model }]) =>
    model === undefined || Object.hasOwn(prices, model)
      ? []
      : [`prices.${model}: is missing, which budgets.${tenant}.usdPerDay and agents.${name} need`],
  );
}

/** Refuses the name of a limit that there is not: its agent would run without one. */
function unlimited({ agents, limits }: ResolvedConfig): string[] {
  const missing = (where: string, limit: string | undefined): string[] => {
    if (limit === undefined || Object.hasOwn(limits, limit)) return [];
    const near = nearest(limit, Object.keys(limits));
    return [`${where}: there is no limit '${limit}'${near === undefined ? '' : `; did you mean ${near}?`}`];
  };
  return [
    ...Object.entries(agents).flatMap(([name, { limit }]) => missing(`agents.${name}.limit`, limit)),
    ...Object.entries(limits).flatMap(([name, { fallback }]) => {
      const where = `limits.${name}.fallback`;
      return comesBack(name, limits) ? [`${where}: leads back to '${name}'`] : missing(where, fallback);
    }),
  ];
}

function comesBack(name: string, limits: ResolvedConfig['limits']): boolean {
  const seen = new Set<string>();
  for (let at = limits[name]?.fallback; at !== undefined && !seen.has(at); at = limits[at]?.fallback) {
    if (at === name) return true;
    seen.add(at);
  }
  return false;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

async function importModule(url: URL, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url.href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new QuorateError('CONFIG_INVALID', `${path} does not load: ${importFault(cause, url.href)}`, {
      cause,
    });
  }
}

function pickExport(module: Readonly<Record<string, unknown>>): unknown {
  return module['default'] ?? module['config'];
}

type Located = { readonly module?: URL | string; readonly versions?: Readonly<Record<string, unknown>> };

/** A module given as './x.ts' lies beside the configuration file. Bad shapes pass: the schema names them. */
function withLocations(config: QuorateConfig, base: URL): QuorateConfig {
  const locate = <T>(
    entries: Readonly<Record<string, T>> | undefined,
  ): Readonly<Record<string, T>> | undefined => {
    if (typeof entries !== 'object' || entries === null) return entries;
    return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, locateOne(entry, base)]));
  };
  const { machines, agents, ...rest } = config;
  const located = { ...rest, machines: locate(machines) ?? machines };
  const locatedAgents = locate(agents);
  return locatedAgents === undefined ? located : { ...located, agents: locatedAgents };
}

function isRelative(module: URL | string | undefined): boolean {
  return typeof module === 'string' && /^\.{1,2}\//.test(module);
}

function locateOne<T>(entry: T, base: URL): T {
  const { module, versions } = (entry ?? {}) as Located;
  const isPath = typeof module === 'string' && (isRelative(module) || module.startsWith('/'));
  if (!isPath && versions === undefined) return entry;
  return {
    ...entry,
    ...(isPath ? { module: new URL(module, base) } : {}),
    ...(typeof versions === 'object' && versions !== null
      ? {
          versions: Object.fromEntries(
            Object.entries(versions).map(([version, older]) => [version, locateOne(older, base)]),
          ),
        }
      : {}),
  };
}

/** In production inspector and console are off unless they were asked for. */
function productionDefaults(env: Environment): Partial<QuorateConfig> {
  return env['NODE_ENV'] === 'production' ? { inspectorPort: false, consolePort: false } : {};
}

interface EnvironmentFields {
  readonly fields: Readonly<Record<string, string | false>>;
  /** Field -> the variable that set it, for messages. */
  readonly names: ReadonlyMap<string, string>;
}

function environmentFields(env: Environment): EnvironmentFields {
  const fields: Record<string, string | false> = {};
  const names = new Map<string, string>();
  for (const [variable, field] of Object.entries(ENVIRONMENT)) {
    const value = env[variable];
    if (value === undefined || value === '') continue;
    const isOff = (field === 'inspectorPort' || field === 'consolePort') && value === 'false';
    fields[field] = isOff ? false : value;
    names.set(field, variable);
  }
  return { fields, names };
}

type Issue = z.core.$ZodIssue;

/** Of a union's branches the one that came closest explains best. */
function describeIssue(issue: Issue, parents: readonly PropertyKey[], set: EnvironmentFields): string[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'invalid_union') {
    const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0];
    if (closest !== undefined) return closest.flatMap((inner) => describeIssue(inner, path, set));
  }
  const field = path.map(String).join('.');
  if (issue.code === 'unrecognized_keys' && field === '')
    return issue.keys.map((key) => {
      const near = nearest(key, Object.keys(configSchema.shape));
      return `${key}: there is no such field${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
  const variable = set.names.get(String(path[0]));
  const where =
    variable === undefined
      ? field === ''
        ? 'configuration'
        : field
      : `${variable}${partOf(set.fields[String(path[0])], path[1])}`;
  return [`${where}: ${issue.message}`];
}

/** Of a list in a variable, the entry that is wrong: nobody counts them from 0. */
function partOf(value: unknown, at: PropertyKey | undefined): string {
  if (typeof value !== 'string' || typeof at !== 'number') return '';
  return ` '${value.split(',')[at]?.trim() ?? ''}'`;
}

// The name that somebody meant, for messages about a name that does not exist.

/** Names that differ by more are others: nobody is told to take DATA for DRAIN. */
const MOST_EDITS = 3;

/** The one of `names` with the fewest letters changed, added, left out or swapped; undefined when none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const one of names) {
    const edits = editsBetween(name, one);
    if (edits <= MOST_EDITS && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name: one, edits };
  }
  return best?.name;
}

/** Levenshtein's distance, with two letters swapped as one edit. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const least = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
