// `quorate dlq edit`: changes what a dead letter will be sent again with, in an editor, from a file, or value by value.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption } from '../shared/options.ts';
import { withClient } from '../shared/with-client.ts';
import { addDoneBy, type DoneByOptions, doneByOf } from './dlq-filters.ts';

interface EditOptions extends DoneByOptions {
  readonly set?: Readonly<Record<string, Json>>;
  readonly body?: string;
  readonly data?: string;
}

export function addEdit(dlq: Command, finish: Finish): void {
  const command = dlq
    .command('edit')
    .description('Change the body of one before it is sent again. The body that it came with is kept.')
    .argument('<number>', 'as listed')
    .option(
      '--set <path=value>',
      'put this value there, as JSON or as text; may be repeated (default: none)',
      toValue,
    )
    .option('--body <file>', 'the whole body, as JSON (default: in $EDITOR)')
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(addDoneBy(command), {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate dlq edit 1 --set input.language=en',
  }).action(async (number: string, options: EditOptions) => finish(await edit(Number(number), options)));
}

async function edit(number: number, { set, body, data, ...done }: EditOptions): Promise<ExitCode> {
  if (!Number.isSafeInteger(number) || number < 0)
    throw new QuorateError('USAGE', 'The number is a whole one, as `quorate dlq ls` shows it.');
  if (set !== undefined && body !== undefined)
    throw new QuorateError('USAGE', 'Say --set or --body, not both.');
  const outcome = await withClient(data, async ({ deadLetters }) => {
    const who = doneByOf(done);
    if (set !== undefined) return deadLetters.edit(number, { set, ...who });
    if (body !== undefined) return deadLetters.edit(number, { body: parse(readBody(body), body), ...who });
    const letter = await deadLetters.show(number);
    if (letter === undefined) return 'gone';
    return inEditor(letter, data, (changed) => deadLetters.edit(number, { body: changed, ...who }));
  });
  console.log(outcome === 'gone' ? `there is no dead letter ${number}` : `${number} ${outcome}`);
  return outcome === 'gone' ? EXIT.failed : EXIT.done;
}

/** What was typed is kept where it is not taken, or its letter has been taken away meanwhile. */
async function inEditor(
  { number, body }: { readonly number: number; readonly body: Json },
  data: string | undefined,
  take: (changed: Json) => Promise<'edited' | 'gone'>,
): Promise<'edited' | 'gone' | 'unchanged'> {
  const { VISUAL, EDITOR } = process.env;
  const editor = VISUAL ?? EDITOR ?? '';
  if (editor === '' || !process.stdin.isTTY)
    throw new QuorateError('USAGE', 'Nothing says how it is changed: set $EDITOR, or pass --set or --body.');
  const folder = mkdtempSync(join(tmpdir(), 'quorate-dlq-'));
  const file = join(folder, 'body.json');
  const text = `${JSON.stringify(body, undefined, 2)}\n`;
  writeFileSync(file, text, { mode: 0o600 });
  const { status, error } = spawnSync(`${editor} "${file}"`, { shell: true, stdio: 'inherit' });
  const changed = readFileSync(file, 'utf8');
  const where = data === undefined ? '' : ` --data ${data}`;
  const sayKept = (): void =>
    console.error(`what you wrote is kept: quorate dlq edit ${number} --body ${file}${where}`);
  try {
    if (error !== undefined || status !== 0)
      throw new QuorateError(
        'USAGE',
        `${editor} ended with ${error?.message ?? status}: nothing was changed`,
      );
    const outcome = changed === text ? 'unchanged' : await take(parse(changed, 'the changed body'));
    if (outcome === 'gone') sayKept();
    else rmSync(folder, { recursive: true, force: true });
    return outcome;
  } catch (thrown) {
    if (changed === text) rmSync(folder, { recursive: true, force: true });
    else sayKept();
    throw thrown;
  }
}

function readBody(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new QuorateError('USAGE', `${file} cannot be read: ${(thrown as Error).message}`);
  }
}

function parse(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (thrown) {
    throw new QuorateError('INPUT_INVALID', `${what} is no JSON: ${String(thrown)}`);
  }
}

/** What is no JSON is a text. */
function toValue(text: string, before: Readonly<Record<string, Json>> = {}): Record<string, Json> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is path=value: input.language=en.');
  const [path, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    return { ...before, [path]: JSON.parse(value) as Json };
  } catch {
    return { ...before, [path]: value };
  }
}
