// `quorate demo`: one review of the sample application, then the end.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { loadConfig } from '../../config/resolve.ts';
import { documented, type Finish } from '../shared/documented.ts';
import { EXIT, type ExitCode } from '../shared/exit.ts';
import { reportCrash } from '../shared/failure.ts';
import { type Host, printTitle, row, startHost } from '../shared/host.ts';
import { createLifecycle, type Lifecycle } from '../shared/lifecycle.ts';
import { SAMPLE_CONFIG } from '../shared/local.ts';
import { addHostOptions, type HostOptions } from '../shared/options.ts';
import { startUnlessStopped } from '../shared/startup.ts';
import { createTerminal, type Terminal } from '../shared/terminal.ts';
import { DEFAULT_OUT, DELIVERY_STEPS, followReview, type ReviewRequest, submitReview } from './review.ts';
import { endOfReview } from './review-end.ts';
import { checkFolder } from './review-folder.ts';

interface DemoOptions extends HostOptions {
  readonly out: string;
  readonly failAt?: (typeof DELIVERY_STEPS)[number];
}

export function addDemoCommand(program: Command, finish: Finish): void {
  const command = program
    .command('demo')
    .description('Review a folder once with the sample application and exit.')
    .argument('[folder]', 'folder to review', '.')
    .option('--out <folder>', 'gets report.md, report.json and plan.json', DEFAULT_OUT)
    .addOption(
      new Option('--fail-at <step>', 'make a delivery step fail, to see it undone (default: none)').choices(
        DELIVERY_STEPS,
      ),
    );
  documented(addHostOptions(command), {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate demo . --out quorate-report',
  }).action(async (folder: string, options: DemoOptions) => finish(await demo(folder, options)));
}

async function demo(path: string, options: DemoOptions): Promise<ExitCode> {
  const lifecycle = createLifecycle();
  const terminal = createTerminal();
  const folder = await checkFolder(path);
  printTitle(terminal);
  const config = await loadConfig(SAMPLE_CONFIG);
  const starting = startHost({ config, options, terminal, defaultLevel: 'warn' });
  const startup = await startUnlessStopped(starting, (host) => host.stop(), lifecycle, terminal, {
    verbose: options.verbose ?? false,
  });
  if (startup.kind === 'cut short') return startup.code;
  const { value: host } = startup;
  try {
    const { failAt } = options;
    const request = { folder, out: resolve(options.out), ...(failAt === undefined ? {} : { failAt }) };
    return await reviewOnce(host, request, terminal, lifecycle, options.verbose ?? false);
  } finally {
    await host.stop();
  }
}

async function reviewOnce(
  host: Host,
  request: ReviewRequest,
  terminal: Terminal,
  lifecycle: Lifecycle,
  verbose: boolean,
): Promise<ExitCode> {
  const review = await submitReview(host.runtime, request, false);
  row(terminal, 'review', `${review.id} of ${request.folder}`);
  const end = await followReview(host.runtime, review, terminal, lifecycle.signal);
  if (end !== undefined) {
    for (const [label, text] of await endOfReview(end.output, request.out)) row(terminal, label, text);
    return EXIT.done;
  }
  const cause = await lifecycle.stopped;
  if (cause.kind === 'crash') return reportCrash(cause.error, verbose);
  terminal.line(
    `${cause.signal}: draining; the review is kept and continues when a process runs on this data again`,
  );
  return EXIT.interrupted;
}
