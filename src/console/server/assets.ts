// The files of the page as the build has made them: `dist/console`, from sources and from a package alike.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { QuorateError } from '../../contract/errors.ts';

const FOLDERS = [
  new URL('../../../console/', import.meta.url),
  new URL('../../../dist/console/', import.meta.url),
];
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
  txt: 'text/plain',
};
const NAME = /^[\w-]+(\.[\w-]+)*\.(html|js|css|svg|txt)$/;

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

/** A path without a file name is a view of the page. Undefined for a file that is not there. Throws NOT_BUILT without a build. */
export async function pageFile(path: string): Promise<PageFile | undefined> {
  const name = NAME.test(path) ? path : path.includes('.') ? undefined : 'index.html';
  const folder = FOLDERS.find((one) => existsSync(new URL('index.html', one)));
  if (folder === undefined) throw new QuorateError('NOT_BUILT', 'the page of the console was not built');
  if (name === undefined) return undefined;
  const body = await readFile(new URL(name, folder)).catch(() => undefined);
  return body === undefined ? undefined : { type: TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? '', body };
}
