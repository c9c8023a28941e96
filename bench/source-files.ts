// A folder of made-up sources to review: the same for the same seed, with the shape of real ones (most files small, a few
// large, branches and loops to measure, links and notes to check).
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRandom, type Random } from '../test/kit/random.ts';

const WORDS =
  'actor turn effect outbox inbox task agent reply gather proposal saga permit broker session lease'.split(
    ' ',
  );
const FILES_PER_FOLDER = 50;
/** Of ten files so many are TypeScript, JavaScript, Markdown. */
const KINDS = ['ts', 'ts', 'ts', 'ts', 'ts', 'js', 'js', 'js', 'md', 'md'] as const;

export async function writeSourceFiles(folder: string, count: number, seed = 7): Promise<number> {
  const random = createRandom(seed);
  let bytes = 0;
  for (let number = 0; number < count; number++) {
    const kind = KINDS[number % KINDS.length] ?? 'ts';
    const path = join(folder, `part-${Math.floor(number / FILES_PER_FOLDER)}`, `file-${number}.${kind}`);
    const text = kind === 'md' ? prose(random, number) : code(random, kind === 'ts');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    bytes += text.length;
  }
  return bytes;
}

/** One large file in ten. */
function parts(random: Random): number {
  return random.below(10) === 0 ? 20 + random.below(40) : 1 + random.below(8);
}

function code(random: Random, typed: boolean): string {
  const type = typed ? ': number' : '';
  const functions = Array.from({ length: parts(random) }, (_, at) => {
    const name = `${random.pick(WORDS)}${at}`;
    const branches = Array.from(
      { length: random.below(20) === 0 ? 8 : 1 + random.below(2) },
      (_unused, branch) =>
        `  if (input % ${branch + 2} === 0 && total < ${random.below(1_000)}) {\n` +
        `    for (let at = 0; at < ${branch + 1}; at++) total += at ?? input;\n  }\n`,
    );
    return `export function ${name}(input${type})${type} {\n  let total = input;\n${branches.join('')}  return total;\n}\n`;
  });
  return `// TODO 2019-04-01: ${random.pick(WORDS)}\n${functions.join('\n')}`;
}

function prose(random: Random, number: number): string {
  const sections = Array.from({ length: parts(random) }, (_, at) => {
    const sentence = Array.from({ length: 60 }, () => random.pick(WORDS)).join(' ');
    return `## ${random.pick(WORDS)} ${at}\n\n${sentence}.\nSee [a file](./file-${number + random.below(4)}.ts) and [here](#${random.pick(WORDS)}-0).\n`;
  });
  return `# Part ${number}\n\n${sections.join('\n')}`;
}
