// What the exports of a package's entry say to a compiler: every declaration that they need, through whichever files of the
// package, and the names that they take from other packages. Read from what the compiler emitted, which is what users get.
// TypeScript 7 has no API for it yet, so swc parses.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseSync } from '@swc/core';

export interface PublicTypes {
  /** Text of each declaration, sorted. */
  readonly declarations: readonly string[];
  /** Package -> names that are taken from it. */
  readonly externals: Readonly<Record<string, readonly string[]>>;
  /** Every file that a compiler reads for the entry, and the packages that these files name. */
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

interface Reference {
  readonly from: string;
  readonly name: string;
}

interface Declared {
  readonly text: string;
  readonly uses: readonly string[];
  /** Of `import('...')` within a declaration. */
  readonly imports: readonly Reference[];
}

interface ModuleTypes {
  readonly declared: ReadonlyMap<string, readonly Declared[]>;
  /** Local name -> what it is elsewhere. */
  readonly imported: ReadonlyMap<string, Reference>;
  /** Exported name -> local name, or what it is elsewhere. */
  readonly exported: ReadonlyMap<string, string | Reference>;
  /** `export * from` these. */
  readonly stars: readonly string[];
}

/** Of swc's nodes, what is read here. */
type Node = { readonly [key: string]: unknown };

export function publicTypesOf(entry: string): PublicTypes {
  const modules = new Map<string, ModuleTypes>();
  const packages = new Set<string>();
  const load = (file: string): ModuleTypes => {
    const known = modules.get(file);
    if (known !== undefined) return known;
    const loaded = readModule(file);
    modules.set(file, loaded);
    for (const from of sourcesOf(loaded)) {
      if (isRelative(from)) load(pathOf(from, file));
      else packages.add(from);
    }
    return loaded;
  };

  const texts = new Map<string, readonly string[]>();
  const externals: Record<string, Set<string>> = {};
  const follow = ({ from, name }: Reference, file: string): void => {
    if (!isRelative(from)) (externals[from] ??= new Set()).add(name);
    else if (name === '*')
      for (const one of exportedNames(pathOf(from, file))) export_(one, pathOf(from, file));
    else export_(name, pathOf(from, file));
  };
  const local = (name: string, file: string): void => {
    const { declared, imported } = load(file);
    const reference = imported.get(name);
    if (reference !== undefined) return follow(reference, file);
    const found = declared.get(name) ?? [];
    const key = `${file}#${name}`;
    if (texts.has(key)) return;
    texts.set(
      key,
      found.map(({ text }) => text),
    );
    for (const { uses, imports } of found) {
      for (const used of uses) if (used !== name) local(used, file);
      for (const one of imports) follow(one, file);
    }
  };
  const export_ = (name: string, file: string): void => {
    const { exported, stars } = load(file);
    const target = exported.get(name);
    if (typeof target === 'string') local(target, file);
    else if (target !== undefined) follow(target, file);
    else
      for (const from of stars)
        if (isRelative(from) && exportedNames(pathOf(from, file)).has(name))
          export_(name, pathOf(from, file));
  };
  const exportedNames = (file: string): Set<string> => {
    const { exported, stars } = load(file);
    const names = new Set(exported.keys());
    for (const from of stars) {
      if (isRelative(from)) for (const name of exportedNames(pathOf(from, file))) names.add(name);
      else (externals[from] ??= new Set()).add('*');
    }
    return names;
  };

  for (const name of exportedNames(entry)) export_(name, entry);
  return {
    // One text may declare several names.
    declarations: [...new Set([...texts.values()].flat())].toSorted(),
    externals: Object.fromEntries(
      Object.entries(externals)
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(([name, names]) => [name, [...names].toSorted()]),
    ),
    files: new Set(modules.keys()),
    packages,
  };
}

function isRelative(from: string): boolean {
  return from.startsWith('.');
}

function pathOf(from: string, file: string): string {
  return resolve(dirname(file), from.replace(/\.[jt]s$/, '.d.ts'));
}

function sourcesOf({ declared, imported, exported, stars }: ModuleTypes): string[] {
  const references = [...imported.values(), ...exported.values()].flatMap((one) =>
    typeof one === 'string' ? [] : [one.from],
  );
  const inner = [...declared.values()].flat().flatMap(({ imports }) => imports.map(({ from }) => from));
  return [...references, ...stars, ...inner];
}

function readModule(file: string): ModuleTypes {
  const bytes = readFileSync(file);
  const { body } = parseSync(bytes.toString(), { syntax: 'typescript' }) as unknown as {
    readonly body: readonly Node[];
  };
  const declared = new Map<string, Declared[]>();
  const imported = new Map<string, Reference>();
  const exported = new Map<string, string | Reference>();
  const stars: string[] = [];
  for (const item of body) {
    const { type } = item;
    const specifiers = (item['specifiers'] ?? []) as readonly Node[];
    const from = (item['source'] as Node | null | undefined)?.['value'] as string | undefined;
    if (type === 'ImportDeclaration' && from !== undefined)
      for (const one of specifiers)
        imported.set(nameOf(one['local']), {
          from,
          name: one['type'] === 'ImportNamespaceSpecifier' ? '*' : nameOf(one['imported'] ?? one['local']),
        });
    else if (type === 'ExportAllDeclaration' && from !== undefined) stars.push(from);
    else if (type === 'ExportNamedDeclaration')
      for (const one of specifiers) {
        const orig = one['orig'] ?? one['name'];
        const name = one['type'] === 'ExportNamespaceSpecifier' ? '*' : nameOf(orig);
        exported.set(nameOf(one['exported'] ?? orig), from === undefined ? name : { from, name });
      }
    else {
      const declaration = (item['declaration'] as Node | undefined) ?? item;
      const { uses, imports } = namesIn(declaration);
      const { start, end } = item['span'] as { readonly start: number; readonly end: number };
      // swc counts bytes from 1.
      const text = withoutComments(bytes.subarray(start - 1, end - 1).toString());
      for (const name of declaredNames(declaration)) {
        declared.set(name, [...(declared.get(name) ?? []), { text, uses, imports }]);
        if (type === 'ExportDeclaration') exported.set(name, name);
      }
    }
  }
  return { declared, imported, exported, stars };
}

function nameOf(node: unknown): string {
  return (node as { readonly value: string }).value;
}

function declaredNames(declaration: Node): string[] {
  const several = declaration['declarations'] as readonly Node[] | undefined;
  if (several !== undefined) return several.map(({ id }) => nameOf(id));
  const id = declaration['id'] ?? declaration['identifier'];
  return id === undefined ? [] : [nameOf(id)];
}

/** Every identifier that may stand for something of the module; swc gives the names of properties no context. */
function namesIn(root: Node): { readonly uses: readonly string[]; readonly imports: readonly Reference[] } {
  const uses = new Set<string>();
  const imports: Reference[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    if (node['type'] === 'Identifier' && node['ctxt'] !== 0) uses.add(nameOf(node));
    if (node['type'] === 'TsImportType') {
      const qualifier = node['qualifier'] as Node | null | undefined;
      imports.push({
        from: nameOf(node['argument']),
        name: qualifier?.['type'] === 'Identifier' ? nameOf(qualifier) : '*',
      });
    }
    Object.values(node).forEach(visit);
  };
  visit(root);
  return { uses: [...uses], imports };
}

function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^ *\/\/.*$/gm, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
