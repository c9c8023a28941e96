// Why a module does not load, with its file and line: for configurations and for the modules that they name.
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What Node says of the first `import` or `export` in a file that it takes for CommonJS. */
const AS_COMMONJS = /^Cannot use import statement outside a module$|^Unexpected token 'export'$/;

/** Where Quorate itself lies: this folder's parent. */
const SOURCES = dirname(import.meta.dirname);

/** Who asked for a file that is not there, where that is Quorate itself: no news to anybody. */
function withoutImporter(message: string): string {
  const [what = '', importer] = message.split(/ imported from (?:file:\/\/)?/);
  return importer?.startsWith(SOURCES) === true ? what : message;
}

/** One line: what is wrong, where, and for a project of CommonJS what to do. */
export function importFault(thrown: unknown, url: string): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const message = withoutImporter(thrown.message.split('\n')[0] ?? '');
  const place = placeIn(thrown.stack) ?? (thrown instanceof SyntaxError ? placeOfSyntax(url) : undefined);
  const at = place === undefined ? message : `${message} (${place})`;
  if (!(thrown instanceof SyntaxError) || !AS_COMMONJS.test(message)) return at;
  const folder = dirname(place?.replace(/:\d+$/, '') ?? pathOf(url) ?? '.');
  return `${at}; Node takes it for CommonJS: write "type": "module" into ${packageOf(folder)} (npm pkg set type=module)`;
}

/** Node writes the place of a syntax error at the head of the stack; an error while it runs has it in the first frame. */
function placeIn(stack = ''): string | undefined {
  const head = /^(?:file:\/\/)?(\/[^\n]*:\d+)\n/.exec(stack)?.[1];
  const frame = /\n\s+at (?:[^\n(]*\()?file:\/\/(\/[^\n)]*?:\d+):\d+\)?\n/.exec(`${stack}\n`)?.[1];
  const place = head ?? frame;
  return place === undefined || place.includes('/node_modules/') ? undefined : decodeURI(place);
}

/** Node does not say the line of a JavaScript module. Reading it as TypeScript does. */
function placeOfSyntax(url: string): string | undefined {
  const path = pathOf(url);
  if (path === undefined) return undefined;
  try {
    stripTypeScriptTypes(readFileSync(path, 'utf8'), { sourceUrl: url });
    return undefined;
  } catch (thrown) {
    return placeIn((thrown as Error).stack);
  }
}

function packageOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, 'package.json');
    try {
      readFileSync(file);
      return file;
    } catch {
      if (at === dirname(at)) return 'package.json';
    }
  }
}

function pathOf(url: string): string | undefined {
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}
