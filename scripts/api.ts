// The API report: docs/api has the public types of each package as they were emitted, so that a change of them is seen in review.
// `npm run api` writes it; with --check it only compares, as `npm run verify` does.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { publicTypesOf } from './public-types.ts';

const PACKAGES = ['.', 'packages/broker', 'otel'];
const FOLDER = 'docs/api';

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

function report(folder: string): { readonly name: string; readonly text: string } {
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const seen = new Set<string>();
  const sections = Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return [];
    const { declarations, externals } = publicTypesOf(join(process.cwd(), folder, target.types));
    const own = declarations.filter((one) => !seen.has(one));
    for (const one of own) seen.add(one);
    const others = Object.entries(externals).map(
      ([from, names]) => `From \`${from}\`: ${names.join(', ')}.\n\n`,
    );
    const text = own.length === 0 ? 'Exports nothing.\n' : `\`\`\`ts\n${own.join('\n\n')}\n\`\`\`\n`;
    return `## ${join(name, path)}\n\n${others.join('')}${text}`;
  });
  const head = `# Public types of ${name}\n\nWritten by \`npm run api\` from what the compiler emits; of several entries, each declaration stands at the first that needs it.\n`;
  return { name, text: [head, ...sections].join('\n') };
}

const differing: string[] = [];
mkdirSync(FOLDER, { recursive: true });
for (const folder of PACKAGES) {
  const { name, text } = report(folder);
  const file = join(FOLDER, `${name}.md`);
  if (!argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) differing.push(file);
}
if (differing.length > 0) {
  console.error(`api: the public types are no longer what ${differing.join(', ')} says.`);
  console.error(
    'api: if that is meant, run `npm run build && npm run api`, look at the difference and commit it.',
  );
  exit(1);
}
