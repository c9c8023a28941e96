// What an install brings along, counted in the lock file: a dependency that brings thirty others is seen when it is added.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { INSTALLS } from '../../../scripts/installs.ts';

interface Locked {
  readonly name?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly os?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const file = new URL('../../../package-lock.json', import.meta.url);
const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** What npm puts beside the package or above it; a link stands for the folder of ours that it names. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const found = packages[path];
    if (found !== undefined) return found.link === true ? (found.resolved ?? '') : path;
    if (folder === '') return undefined;
  }
}

function neededBy({ dependencies, peerDependencies, peerDependenciesMeta }: Locked): string[] {
  const peers = Object.keys(peerDependencies ?? {}).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [...Object.keys(dependencies ?? {}), ...peers];
}

function installed(roots: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    const one = packages[path] ?? {};
    for (const name of neededBy(one)) {
      const at = locate(name, path);
      if (at === undefined) throw new Error(`${name} of ${path} is not in the lock file`);
      visit(at);
    }
    for (const name of Object.keys(one.optionalDependencies ?? {})) {
      const at = locate(name, path);
      if (at !== undefined && packages[at]?.os === undefined) visit(at);
    }
  };
  for (const name of roots) visit(name === 'quorate' ? '' : (locate(name, '') ?? name));
  return found;
}

it.each(INSTALLS)('$what is at most $count packages', ({ packages: roots, count }) => {
  const found = installed(roots);
  expect(found.size, [...found].toSorted().join('\n')).toBeLessThanOrEqual(count);
  expect(found.size).toBeGreaterThan(count - 5);
});

it('brings none of what is optional', () => {
  const found = [...installed(['quorate'])].map((path) => path.replace(/.*node_modules\//, ''));
  for (const name of [
    '@azure/storage-blob',
    '@modelcontextprotocol/client',
    '@modelcontextprotocol/server',
    'elkjs',
    'pino-pretty',
    '@opentelemetry/sdk-trace',
    'chevrotain',
    '@babel/parser',
  ])
    expect(found).not.toContain(name);
  expect(found).toContain('@azure/identity');
});
