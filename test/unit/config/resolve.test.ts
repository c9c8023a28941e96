import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, nearest, resolveConfig } from '../../../src/config/resolve.ts';
import { configSchema, ENVIRONMENT } from '../../../src/config/schema.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';

const MACHINE = { module: 'some-package', export: 'm', version: '1' };

describe('resolveConfig', () => {
  it('fills every default in', () => {
    expect(resolveConfig({ machines: {} })).toMatchObject({
      topology: 'check',
      data: '.quorate',
      sessions: 64,
      prefix: '',
    });
  });

  it('lets the environment win, and an empty variable count as not set', () => {
    const config = { machines: {}, port: 1, prefix: 'file' };
    expect(resolveConfig(config, { QUORATE_PORT: '2', QUORATE_PREFIX: '' })).toMatchObject({
      port: 2,
      prefix: 'file',
    });
  });

  it.each([
    [{ notify: { agent: 'slack' } }, "asks.notify.agent: there is no agent 'slack'"],
    [{ notify: { url: 'ftp://x' } }, 'asks.notify'],
    [
      { notify: { url: 'https://x' } },
      'agents.asks-webhook: is the name of the agent behind asks.notify.url',
    ],
  ])('refuses asks %j', (asks, why) => {
    const agents = { 'asks-webhook': { run: () => null } };
    expect(() => resolveConfig({ machines: {}, agents, asks })).toThrow(why);
  });

  it('refuses a limit that limits nothing, and an agent whose limit there is not', () => {
    const agents = { a: { run: () => 1, limit: 'gpt5' } };
    const resolve = (limits: QuorateConfig['limits']) => () =>
      resolveConfig({ machines: {}, agents, ...(limits === undefined ? {} : { limits }) });
    expect(resolve({ gpt5: { concurrent: 2 } })).not.toThrow();
    expect(resolve({ 'gpt-5': { concurrent: 2 } })).toThrow(
      "agents.a.limit: there is no limit 'gpt5'; did you mean gpt-5?",
    );
    expect(resolve({ gpt5: { revision: 2 } })).toThrow(/limits\.gpt5: limits nothing/);
    expect(resolve({ gpt5: { requestsPerMinute: 0 } })).toThrow(/limits\.gpt5\.requestsPerMinute/);
  });

  it('takes `false` for the inspector from the environment', () => {
    expect(resolveConfig({ machines: {} }, { QUORATE_INSPECTOR_PORT: 'false' }).inspectorPort).toBe(false);
  });

  it('serves no inspector in production unless it is asked for', () => {
    const env = { NODE_ENV: 'production' };
    expect(resolveConfig({ machines: {} }, env).inspectorPort).toBe(false);
    expect(resolveConfig({ machines: {}, inspectorPort: 0 }, env).inspectorPort).toBe(0);
    expect(resolveConfig({ machines: {} }, { ...env, QUORATE_INSPECTOR_PORT: '8080' }).inspectorPort).toBe(
      8080,
    );
  });

  it.each<[string, unknown, Record<string, string>, RegExp]>([
    ['a bad type name', { machines: { 'a/b': MACHINE } }, {}, /^machines\.a\/b: /],
    ['a missing field', { machines: { a: { module: 'm', version: '1' } } }, {}, /^machines\.a\.export: /],
    [
      'a field nobody knows',
      { machines: {}, ports: 1 },
      {},
      /^ports: there is no such field; did you mean port\?$/,
    ],
    [
      'an agent without a function',
      { machines: {}, agents: { a: { run: 1 } } },
      {},
      /^agents\.a\.run: must be a function$/,
    ],
    [
      'an option of an agent',
      { machines: {}, agents: { a: { run: () => 1, concurrency: 0 } } },
      {},
      /^agents\.a\.concurrency: /,
    ],
    [
      'an option of a CPU agent',
      { machines: {}, agents: { a: { module: 'm', export: 'e', timeoutMs: -1 } } },
      {},
      /^agents\.a\.timeoutMs: /,
    ],
    ['no machines', {}, {}, /^machines: /],
    ['a bad variable', { machines: {} }, { QUORATE_LOCK_MS: 'soon' }, /^QUORATE_LOCK_MS: /],
    ['a bad port of the inspector', { machines: {}, inspectorPort: 99_999 }, {}, /^inspectorPort: /],
  ])('names the field of %s', (_name, config, env, line) => {
    expect(() => resolveConfig(config as QuorateConfig, env)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(line) }),
    );
  });

  it.each([
    ['an unknown role', { QUORATE_ROLES: 'actor,agents' }, /^QUORATE_ROLES 'actor': /],
    ['the second role', { QUORATE_ROLES: 'actors, agent' }, /^QUORATE_ROLES 'agent': /],
    [
      'a variable with a letter missing',
      { QUORATE_NAMESPCE: 'x' },
      /^QUORATE_NAMESPCE: .*did you mean QUORATE_NAMESPACE\?$/,
    ],
    ['two letters swapped', { QUORATE_DTAA: 'x' }, /did you mean QUORATE_DATA\?/],
    [
      'a variable like none',
      { QUORATE_COLOUR_OF_LOGS: 'x' },
      /^QUORATE_COLOUR_OF_LOGS: there is no such variable$/,
    ],
  ])('names the variable of %s', (_name, env, line) => {
    expect(() => resolveConfig({ machines: {} }, env)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(line) }),
    );
  });

  it('lets be what others read, and what is empty', () => {
    const env = {
      QUORATE_LOG: 'debug',
      QUORATE_SERVICE_HOST: '10.0.0.1',
      QUORATE_PORT_5672_TCP_ADDR: '10.0.0.1',
      QUORATE_NAMESPCE: '',
      QUORATES: 'x',
    };
    expect(resolveConfig({ machines: {} }, env)).toEqual(resolveConfig({ machines: {} }));
  });

  it.each<[string, object]>([
    ['machines.m.module', { machines: { m: { module: './m.ts', export: 'm', version: '1' } } }],
    ['agents.a.module', { machines: {}, agents: { a: { module: '../a.ts', export: 'a' } } }],
    [
      'machines.m.versions.0.module',
      {
        machines: {
          m: {
            module: 'pkg',
            export: 'm',
            version: '1',
            versions: { 0: { module: './o.ts', export: 'm' } },
          },
        },
      },
    ],
  ])('says of %s in code that a relative path has no place to begin', (field, config) => {
    const message = new RegExp(`^${field}: '.*' is relative.*new URL\\('.*', import\\.meta\\.url\\)`);
    expect(() => resolveConfig(config as QuorateConfig)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('gives every problem a line', () => {
    const config = { machines: {}, port: -1, prefix: '?' };
    expect(() => resolveConfig(config)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^prefix: .*\nport: .*$/) }),
    );
  });
});

/** What cannot be written in a variable: objects, and functions. */
const NOT_TEXT = [
  'admission',
  'asks',
  'budgets',
  'limits',
  'machines',
  'agents',
  'topics',
  'prices',
  'payloadCodecs',
];

/** Field -> a text that is not its default, and what becomes of it. */
const TEXTS: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  atRunTime: ['true', true],
  namespace: ['shop.servicebus.windows.net', 'shop.servicebus.windows.net'],
  connectionString: ['Endpoint=sb://shop/', 'Endpoint=sb://shop/'],
  prefix: ['ann.', 'ann.'],
  topology: ['apply', 'apply'],
  roles: ['agents', ['agents']],
  broker: ['embedded', 'embedded'],
  data: ['elsewhere', 'elsewhere'],
  payloadContainer: ['large', 'large'],
  payloadConnectionString: ['AccountName=shop', 'AccountName=shop'],
  payloadCompression: ['none', 'none'],
  port: ['5673', 5673],
  maxPages: ['1000', 1000],
  inspectorPort: ['8080', 8080],
  index: ['true', true],
  consolePort: ['8082', 8082],
  consoleHost: ['0.0.0.0', '0.0.0.0'],
  consoleBasePath: ['/quorate', '/quorate'],
  consoleTokens: ['admin=0123456789abcdef', 'admin=0123456789abcdef'],
  consoleIdentity: ['entra', 'entra'],
  healthPort: ['8081', 8081],
  queueMetricsMs: ['120000', 120_000],
  healthHost: ['0.0.0.0', '0.0.0.0'],
  workers: ['3', 3],
  sessions: ['65', 65],
  lockDurationMs: ['5001', 5001],
  duplicateWindowMs: ['20001', 20_001],
  retentionMs: ['1', 1],
  turnTimeoutMs: ['101', 101],
  drainMs: ['2', 2],
};

describe('the environment', () => {
  it('has one variable for every field that can be text', () => {
    const fields = Object.keys(configSchema.shape).filter((field) => !NOT_TEXT.includes(field));
    expect(Object.values(ENVIRONMENT).sort()).toEqual(fields.sort());
  });

  it.each(Object.entries(ENVIRONMENT))('%s sets %s, and nothing else', (variable, field) => {
    const [text, value] = TEXTS[field] ?? ['', undefined];
    const untouched = resolveConfig({ machines: {} });
    expect(value).toBeDefined();
    expect(untouched[field]).not.toEqual(value);
    expect(resolveConfig({ machines: {} }, { [variable]: text })).toEqual({ ...untouched, [field]: value });
  });
});

describe('loadConfig', () => {
  let folder: string;
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['default.ts', `const config: { machines: object } = { machines: {} }; export default config;`],
    ['named.ts', 'export const config = { machines: {} as object };'],
    ['plain.mjs', 'export default { machines: {} };'],
  ])('takes %s', async (name, text) => {
    expect(await loadConfig(await file(name, text))).toEqual({ machines: {} });
  });

  it('finds relative modules beside the file', async () => {
    const text = `export default {
      machines: { a: { module: './a.ts', export: 'a', version: '1' }, b: { module: 'package', export: 'b', version: '1' } },
      agents: { c: { module: '../c.ts', export: 'c' }, d: { run: () => 1 } } };`;
    const path = await file('modules.ts', text);
    const config = await loadConfig(path);
    expect(config.machines['a']?.module).toEqual(new URL('./a.ts', pathToFileURL(path)));
    expect(config.machines['b']?.module).toBe('package');
    expect(config.agents?.['c']).toMatchObject({ module: new URL('../c.ts', pathToFileURL(path)) });
  });

  it.each([
    ['missing.ts', undefined, 'CONFIG_NOT_FOUND', /missing\.ts/],
    ['syntax.ts', 'export default {', 'CONFIG_INVALID', /syntax\.ts does not load: /],
    ['throws.ts', `throw new Error('not today');`, 'CONFIG_INVALID', /throws\.ts does not load: not today$/],
    [
      'import.ts',
      `import '../nowhere.ts'; export default {};`,
      'CONFIG_INVALID',
      /import\.ts does not load: .*nowhere\.ts/,
    ],
    ['empty.ts', 'export {};', 'CONFIG_INVALID', /empty\.ts: export the configuration/],
  ])('refuses %s in one line', async (name, text, code, message) => {
    const path = text === undefined ? join(folder, name) : await file(name, text);
    const failure = await loadConfig(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((failure as Error).message).not.toContain('\n');
  });
});

//

it.each([
  ['NAMESPCE', 'NAMESPACE'],
  ['NAMEPSACE', 'NAMESPACE'],
  ['NAME_SPACE', 'NAMESPACE'],
  ['DATE', 'DATA'],
  ['COLOUR', undefined],
])('the nearest to %s is %s', (name, near) => {
  expect(nearest(name, ['NAMESPACE', 'DATA', 'PREFIX'])).toBe(near);
});

it.each([
  [{ budget: false }, true],
  [{ budget: { share: 0 } }, true],
  [{ budget: { perSecond: 0.01 } }, true],
  [{ budget: {} }, true],
  [{ budget: true }, false],
  [{ budget: { share: -1 } }, false],
  // Without anything a second a debt would never be paid.
  [{ budget: { perSecond: 0 } }, false],
  [{ budget: { perMinute: 1 } }, false],
])('a budget of retries: %j', (retry, isGood) => {
  const resolve = () =>
    resolveConfig({ machines: {}, agents: { a: { run: () => 1, retry: retry as never } } });
  if (isGood) expect(resolve().agents['a']?.retry).toEqual(retry);
  else expect(resolve).toThrow(/agents\.a/);
});

describe('prices', () => {
  const price = { inputPerMillion: 1.25, outputPerMillion: 10, at: '2026-11-01' };
  const resolved = (more: object) => () =>
    resolveConfig({ machines: {}, prices: { m: { ...price, ...more } } });

  it('are exact to a millionth of a USD', () => {
    expect(resolved({ cachedInputPerMillion: 0.000_001 })().prices['m']).toEqual({
      ...price,
      cachedInputPerMillion: 0.000_001,
    });
  });

  it.each([
    { of: 'finer than that', more: { inputPerMillion: 0.000_000_5 } },
    { of: 'below zero', more: { outputPerMillion: -1 } },
    { of: 'of no day', more: { at: 'yesterday' } },
    { of: 'without a day', more: { at: undefined } },
  ])('$of are refused', ({ more }) => {
    expect(resolved(more)).toThrow(/prices\.m/);
  });
});

describe('budgets of tenants', () => {
  const resolved =
    (budget: object, more: object = {}) =>
    () =>
      resolveConfig({ machines: {}, budgets: { acme: budget }, ...more });
  const agents = { a: { run: () => 1, model: 'm' } };

  it('limit one or both, a day', () => {
    expect(resolved({ usdPerDay: 0.5, tokensPerDay: 10 })().budgets['acme']).toEqual({
      usdPerDay: 0.5,
      tokensPerDay: 10,
    });
    expect(resolved({ tokensPerDay: 10 }, { agents })).not.toThrow();
  });

  it.each([
    { of: 'of nothing', budget: {}, more: {}, why: /limits nothing/ },
    { of: 'below zero', budget: { usdPerDay: -1 }, more: {}, why: /budgets\.acme\.usdPerDay/ },
    {
      of: 'of USD for a model without a price',
      budget: { usdPerDay: 1 },
      more: { agents },
      why: /prices\.m: is missing/,
    },
  ])('$of are refused', ({ budget, more, why }) => {
    expect(resolved(budget, more)).toThrow(why);
  });
});
