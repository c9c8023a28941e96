// The command line of a review: `[folder] [--out folder] [--fail-at step] [--yes | --ask]`.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DELIVERY_STEPS, type ReviewInput } from '../protocol.ts';

/** Who answers the question of a review: --yes, the person at this terminal, or somebody with `quorate asks answer`. */
export type Answering = 'yes' | 'here' | 'elsewhere';

/** Both absolute. */
export type ReviewRequest = Pick<ReviewInput, 'folder' | 'out' | 'failAt' | 'asks'>;

const DEFAULT_OUT = 'quorate-report';
const OPTIONS = {
  out: { type: 'string' },
  'fail-at': { type: 'string' },
  yes: { type: 'boolean' },
  ask: { type: 'boolean' },
} as const;

/** Throws an error of the code USAGE that names every option there is. */
export function parseArguments(
  args: readonly string[],
  allowed: readonly (keyof typeof OPTIONS)[],
): ReviewRequest {
  const options = Object.fromEntries(allowed.map((name) => [name, OPTIONS[name]]));
  const { values, positionals } = parse(args, options, allowed);
  const [folder = '.', ...more] = positionals;
  if (more.length > 0) throw usage(`one folder at a time: ${positionals.join(', ')}`, allowed);
  const request = { folder: resolve(folder), out: resolve(String(values['out'] ?? DEFAULT_OUT)) };
  const wanted = values['fail-at'];
  if (typeof wanted !== 'string') return request;
  const failAt = DELIVERY_STEPS.find((step) => step === wanted);
  if (failAt === undefined) throw usage(`there is no step '${wanted}'`, allowed);
  return { ...request, failAt };
}

/** Who is asked before the report is published. Nobody, where there is no terminal and nobody said that somebody is there. */
export function answeringOf(
  args: readonly string[],
  allowed: readonly (keyof typeof OPTIONS)[],
  interactive: boolean,
): Answering | undefined {
  const options = Object.fromEntries(allowed.map((name) => [name, OPTIONS[name]]));
  const { yes, ask } = parse(args, options, allowed).values;
  if (yes === true) return 'yes';
  if (interactive) return 'here';
  return ask === true ? 'elsewhere' : undefined;
}

function parse(
  args: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>,
  allowed: readonly string[],
): {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw usage(error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error), allowed);
  }
}

const HELP: Readonly<Record<string, string>> = {
  out: '[--out folder]',
  'fail-at': `[--fail-at ${DELIVERY_STEPS.join('|')}]`,
  yes: '[--yes]',
  ask: '[--ask]',
};

function usage(what: string, allowed: readonly string[]): Error {
  const form = ['[folder]', ...allowed.map((name) => HELP[name])].join(' ');
  return Object.assign(new Error(`${what}\na review is asked for with ${form}`), { code: 'USAGE' });
}
