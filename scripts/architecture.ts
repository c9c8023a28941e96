// Brings the file table of ARCHITECTURE.md up to date: rows of files that are gone leave, new files get the first
// sentence of their head comment, rows that are there keep their words.
import { globSync, readFileSync, writeFileSync } from 'node:fs';

const PAGE = 'ARCHITECTURE.md';
const BEGIN = '<!-- files -->';
const END = '<!-- /files -->';
const ROW = /^\| `([^`]+)` \| (.+) \|$/gm;

const page = readFileSync(PAGE, 'utf8');
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin < 0 || end < begin) throw new Error(`${PAGE} has no ${BEGIN} … ${END}`);

const words = new Map(
  [...page.slice(begin, end).matchAll(ROW)].map(([, path = '', text = '']) => [path, text]),
);
const files = globSync('src/**/*.ts')
  .map((path) => path.replaceAll('\\', '/'))
  .sort((a, b) => (a < b ? -1 : 1));
const rows = files.map((path) => `| \`${path}\` | ${words.get(path) ?? headComment(path)} |`);
const table = ['| File | What it is |', '| --- | --- |', ...rows].join('\n');
writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`);

/** The first sentence of the first comment, `//` or block, anywhere near the top. */
function headComment(path: string): string {
  const text = readFileSync(path, 'utf8');
  const lines = /^(?:\/\/ .*\n)+/m.exec(text)?.[0] ?? '';
  const block = /\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  const comment = (text.startsWith('//') ? lines : block || lines)
    .split('\n')
    .map((line) => line.replace(/^\s*(\/\/|\*)?\s?/, ''))
    .join(' ')
    .trim();
  const sentence = /^.*?\.(?=\s|$)/.exec(comment)?.[0] ?? comment;
  return (sentence || 'TODO').replace(/[:.]$/, '').replaceAll('|', '\\|');
}
