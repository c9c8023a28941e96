// From a configuration file to a checked configuration: the file is imported by Node itself, the environment wins over
// it, and every problem is one line that names its field.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import { configSchema, ENVIRONMENT, type QuorateConfig, type ResolvedConfig } from './contract/config.ts';
import { QuorateError } from './contract/errors.ts';

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
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.flatMap((issue) => describeIssue(issue, [], set.names));
  throw new QuorateError('CONFIG_INVALID', lines.join('\n'));
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

async function importModule(url: URL, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url.href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new QuorateError('CONFIG_INVALID', `${path} does not load: ${reasonOf(cause)}`, { cause });
  }
}

/** Node writes a syntax error's place at the head of the stack, not in its message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const place =
    cause instanceof SyntaxError ? /^file:.*?([^/]+:\d+)$/m.exec(cause.stack ?? '')?.[1] : undefined;
  const message = cause.message.split('\n')[0] ?? '';
  return place === undefined ? message : `${message} (${place})`;
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

function locateOne<T>(entry: T, base: URL): T {
  const { module, versions } = (entry ?? {}) as Located;
  const isRelative = typeof module === 'string' && /^(\.{1,2}\/|\/)/.test(module);
  if (!isRelative && versions === undefined) return entry;
  return {
    ...entry,
    ...(isRelative ? { module: new URL(module, base) } : {}),
    ...(typeof versions === 'object' && versions !== null
      ? {
          versions: Object.fromEntries(
            Object.entries(versions).map(([version, older]) => [version, locateOne(older, base)]),
          ),
        }
      : {}),
  };
}

/** In production nothing is served that was not asked for. */
function productionDefaults(env: Environment): Partial<QuorateConfig> {
  return env['NODE_ENV'] === 'production' ? { inspectorPort: false } : {};
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
    fields[field] = field === 'inspectorPort' && value === 'false' ? false : value;
    names.set(field, variable);
  }
  return { fields, names };
}

type Issue = z.core.$ZodIssue;

/** Of a union's branches the one that came closest explains best. */
function describeIssue(
  issue: Issue,
  parents: readonly PropertyKey[],
  names: ReadonlyMap<string, string>,
): string[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'invalid_union') {
    const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0];
    if (closest !== undefined) return closest.flatMap((inner) => describeIssue(inner, path, names));
  }
  const field = path.map(String).join('.');
  const variable = names.get(field);
  const where = variable ?? (field === '' ? 'configuration' : field);
  return [`${where}: ${issue.message}`];
}
