// Each rule that guards the borders of ARCHITECTURE.md finds what it is there for. That they hold is `npm run check:imports`,
// which reads the whole project and is a step of `npm run verify`.
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type IConfiguration, type ICruiseResult, type IViolation } from 'dependency-cruiser';
import { beforeAll, describe, expect, it } from 'vitest';
import { STEPS } from '../../../scripts/steps.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const rules = createRequire(import.meta.url)(
  join(ROOT, '.dependency-cruiser.cjs'),
) as Required<IConfiguration>;

async function violations(baseDir: string, folders: readonly string[]): Promise<readonly IViolation[]> {
  const { enhancedResolveOptions, ...options } = rules.options;
  const result = await cruise(
    [...folders],
    { ...options, baseDir, ruleSet: { forbidden: rules.forbidden }, validate: true },
    { ...enhancedResolveOptions, bustTheCache: true },
  );
  return (result.output as ICruiseResult).summary.violations;
}

/** Rule -> files, the first of which breaks it. All of them are one project, so that one look finds everything: no path twice. */
const PLANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no-cycles': {
    'src/client/cycle-back.ts': `import type { A } from './cycle.ts';`,
    'src/client/cycle.ts': `import './cycle-back.ts';`,
  },
  'no-unresolved': { 'bench/unresolved.ts': `await using missing = await import('../missing.ts');` },
  'contract-imports-nothing': { 'src/contract/client.ts': `import type { Any } from '../client/any.ts';` },
  'machines-are-plain': { 'src/machines/client.ts': `import '../client/any.ts';` },
  'pure-core': { 'src/actors/core/crypto.ts': `import { randomUUID } from 'node:crypto';` },
  'light-core': { 'src/actors/core/schema.ts': `import 'zod';` },
  'control-decides': { 'src/control/client.ts': `import '../client/any.ts';` },
  'core-stays-inside': { 'src/actors/core/host.ts': `import '../host/any.ts';` },
  'machines-load-in-workers': { 'src/runtime/machines.ts': `import '../machines/any.ts';` },
  'actors-not-to-bridge': { 'src/actors/host/bridge.ts': `import type { Any } from '../../bridge/any.ts';` },
  'bridge-not-to-actors': { 'src/bridge/actors.ts': `import '../actors/host/any.ts';` },
  'bridge-alone-speaks-azure': { 'src/client/azure.ts': `import '@azure/service-bus';` },
  'broker-stands-alone': {
    'packages/broker/src/contract.ts': `import type { Any } from '../../../src/contract/any.ts';`,
  },
  'rhea-in-broker-only': { 'src/bridge/rhea.ts': `import 'rhea';` },
  'broker-and-inspector-on-demand': {
    'src/runtime/broker.ts': `import { any } from '../../packages/broker/src/index.ts';`,
  },
  'console-on-demand': { 'src/client/console.ts': `import '../console/any.ts';` },
  'mcp-on-demand': { 'src/client/mcp.ts': `import '../mcp/any.ts';` },
  'mcp-sdk-by-its-adapter': { 'src/mcp/agent.ts': `import '@modelcontextprotocol/client';` },
  'telemetry-sdk-in-otel-only': { 'src/client/sdk.ts': `import '@opentelemetry/sdk-node';` },
  'otel-stands-alone': { 'otel/contract.ts': `import type { Any } from '../src/contract/any.ts';` },
  'otel-on-demand': { 'src/cli/otel.ts': `import '../../otel/index.ts';` },
  'packages-by-their-doors': { 'chaos/broker.ts': `import '../packages/broker/src/core/any.ts';` },
  'broker-knows-no-quorate': {
    'packages/broker/test/unit/quorate.test.ts': `import '../../../../test/kit/any.ts';`,
  },
  'shared-knows-no-package': { 'bench/kit/client.ts': `import type { Any } from '../../src/client/any.ts';` },
  'models-apart': { 'src/client/model.ts': `import type { Any } from '../ai/any.ts';` },
  'helpers-stand-low': { 'src/common/bridge.ts': `import '../bridge/any.ts';` },
  'nobody-imports-the-cli': { 'src/client/cli.ts': `import '../cli/any.ts';` },
  'product-not-to-its-users': { 'src/client/test.ts': `import '../../test/kit/any.ts';` },
  'examples-use-the-package': { 'examples/one/client.ts': `import '../../src/client/any.ts';` },
  'examples-stand-alone': { 'examples/one/other.ts': `import '../other/any.ts';` },
  'programs-stand-alone': { 'bench/chaos.ts': `import '../chaos/any.ts';` },
  'scripts-run-before-the-build': { 'scripts/client.ts': `import '../src/client/any.ts';` },
  'tests-are-no-library': { 'bench/test.ts': `import '../test/unit/any.ts';` },
  'kinds-of-tests-apart': { 'test/e2e/unit.test.ts': `import '../unit/any.ts';` },
  'kits-stand-low': { 'test/kit/chaos.ts': `import '../../chaos/any.ts';` },
  'no-dev-dependencies': { 'src/client/dev.ts': `import 'vitest';` },
};

/** What the planted imports find. */
const FOUND = [
  'src/client/any.ts',
  'src/contract/any.ts',
  'src/machines/any.ts',
  'src/actors/host/any.ts',
  'src/bridge/any.ts',
  'src/mcp/any.ts',
  'src/console/any.ts',
  'src/ai/any.ts',
  'src/cli/any.ts',
  'otel/index.ts',
  'packages/broker/src/index.ts',
  'packages/broker/src/core/any.ts',
  'test/kit/any.ts',
  'test/unit/any.ts',
  'examples/other/any.ts',
  'chaos/any.ts',
];

const PACKAGES = {
  dependencies: [
    '@azure/service-bus',
    'rhea',
    'zod',
    '@opentelemetry/sdk-node',
    '@modelcontextprotocol/client',
  ],
  devDependencies: ['vitest'],
};

function plant(root: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const versions = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '1.0.0']));
  write(
    'package.json',
    JSON.stringify({
      type: 'module',
      dependencies: versions(PACKAGES.dependencies),
      devDependencies: versions(PACKAGES.devDependencies),
    }),
  );
  for (const name of [...PACKAGES.dependencies, ...PACKAGES.devDependencies]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    write(`node_modules/${name}/index.js`, '');
  }
  for (const path of FOUND) write(path, 'export const any = 1;\nexport type Any = 1;\n');
  for (const files of Object.values(PLANTED)) {
    for (const [path, text] of Object.entries(files)) write(path, text);
  }
}

describe('import directions', () => {
  it('are checked by `npm run verify`, over every folder with sources', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    const checked = scripts['check:imports']?.split(' ').slice(3) ?? [];
    const folders = globSync('*/**/*.{ts,js}', {
      cwd: ROOT,
      exclude: (path) => /^(node_modules|dist|bin)$/.test(path),
    });
    expect(new Set(checked)).toEqual(new Set(folders.map((path) => path.split(/[\\/]/)[0])));
    expect(Object.keys(STEPS)).toContain('check:imports');
  });

  it('have a planted violation for every rule', () => {
    expect(new Set(Object.keys(PLANTED))).toEqual(new Set(rules.forbidden.map(({ name }) => name)));
  });
});

describe('a planted violation is found by', () => {
  let found: readonly IViolation[];
  beforeAll(async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'quorate-imports-'));
    plant(scratch);
    const paths = [...FOUND, ...Object.values(PLANTED).flatMap((files) => Object.keys(files))];
    found = await violations(scratch, [...new Set(paths.map((path) => path.split('/')[0] ?? ''))]);
    rmSync(scratch, { recursive: true });
  });

  it.each(Object.entries(PLANTED))('%s', (rule, files) => {
    const guilty = found.filter(({ rule: { name } }) => name === rule).map(({ from }) => from);
    expect(guilty).toContain(Object.keys(files)[0]);
  });
});
