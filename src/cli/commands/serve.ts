// `quorate serve`, which is `npm start`: the sample application as a service, with one review to begin with.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../config/resolve.ts';
import { documented, type Finish } from '../shared/documented.ts';
import type { ExitCode } from '../shared/exit.ts';
import { formatFailure, toFailure } from '../shared/failure.ts';
import { type Host, printTitle, row, startHost } from '../shared/host.ts';
import { createLifecycle } from '../shared/lifecycle.ts';
import { SAMPLE_CONFIG } from '../shared/local.ts';
import { addHostOptions, type HostOptions } from '../shared/options.ts';
import { survivesSdkFaults } from '../shared/sdk-fault.ts';
import { serveUntilStopped } from '../shared/serve-until-stopped.ts';
import { startUnlessStopped } from '../shared/startup.ts';
import { createTerminal, type Terminal } from '../shared/terminal.ts';
import { closeReview, continueReview, DEFAULT_OUT, followReview, submitReview } from './review.ts';
import { endOfReview } from './review-end.ts';
import { checkFolder } from './review-folder.ts';

interface ServeOptions extends HostOptions {
  readonly out: string;
}

const SERVING = 'serving; the inspector stays open';

export function addServeCommand(program: Command, finish: Finish): void {
  const command = program
    .command('serve')
    .description(
      'Run the sample application until SIGINT or SIGTERM: reviews a folder once, or continues an unfinished review, and keeps serving.',
    )
    .argument('[folder]', 'folder to review', '.')
    .option('--out <folder>', 'gets report.md, report.json and plan.json', DEFAULT_OUT);
  documented(addHostOptions(command), {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate serve . --out quorate-report',
  }).action(async (folder: string, options: ServeOptions) => finish(await serve(folder, options)));
}

async function serve(path: string, options: ServeOptions): Promise<ExitCode> {
  let running: Host | undefined;
  const lifecycle = createLifecycle({ survives: survivesSdkFaults(() => running?.logger) });
  const terminal = createTerminal();
  const verbose = options.verbose ?? false;
  const folder = await checkFolder(path);
  printTitle(terminal);
  const config = await loadConfig(SAMPLE_CONFIG);
  const starting = startHost({ config, options, terminal, defaultLevel: 'info' });
  const startup = await startUnlessStopped(starting, (host) => host.stop(), lifecycle, terminal, { verbose });
  if (startup.kind === 'cut short') return startup.code;
  const { value: host } = startup;
  running = host;
  const reviewing = review(host, { folder, out: resolve(options.out) }, terminal, lifecycle.signal).catch(
    (error: unknown) => {
      // What a shutdown cut short is no failure.
      if (lifecycle.signal.aborted) return;
      process.stderr.write(`${formatFailure(toFailure(error), verbose)}\n`);
      terminal.line(SERVING);
    },
  );
  const code = await serveUntilStopped(host, lifecycle, terminal, verbose);
  await reviewing;
  return code;
}

/** Its failure is reported; the process keeps serving. */
async function review(
  host: Host,
  request: { readonly folder: string; readonly out: string },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { runtime } = host;
  const unfinished = await continueReview(runtime);
  const current = unfinished ?? (await submitReview(runtime, request, true));
  const { folder, out } = { ...request, ...current.input } as typeof request;
  row(terminal, 'review', `${current.id} of ${folder}${unfinished === undefined ? '' : ' (continued)'}`);
  try {
    const end = await followReview(runtime, current, terminal, signal);
    if (end === undefined) return;
    for (const [label, text] of await endOfReview(end.output, out)) row(terminal, label, text);
  } catch (error) {
    if (signal.aborted) return;
    await closeReview(runtime);
    throw error;
  }
  await closeReview(runtime);
  terminal.line(SERVING);
}
