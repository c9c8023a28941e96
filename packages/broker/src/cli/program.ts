// The commands of the broker: `quorate-broker` and its `status`, `advance` and `fault`; `quorate broker` is the same program.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { addAdvanceCommand } from './advance.ts';
import { dataOption, documented, portOption, type Shell, verboseOption } from './command.ts';
import { addFaultCommand } from './fault.ts';
import { runBroker, type ServeOptions } from './serve.ts';
import { addStatusCommand } from './status.ts';

/** Errors are thrown, not printed: a BrokerError, or what commander says of wrong arguments. */
export function createBrokerProgram(shell: Shell): Command {
  const program = new Command(shell.name)
    .description(
      'Run the Service Bus broker by itself, for clients in any language, until SIGINT or SIGTERM.',
    )
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    // What stands behind a command belongs to it, also where its parent has an option of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addOption(portOption())
    .addOption(dataOption())
    .addOption(new Option('--memory', 'keep nothing on disk (default: off)').conflicts('data'))
    .option('--tls', "TLS with the broker's own certificate authority, beside plain AMQP (default: off)")
    .option(
      '--config <file>',
      "entities in the format of Microsoft's emulator, whose port 5300 answers too (default: none)",
    )
    .addOption(
      new Option('--tier <tier>', 'whose limits hold').choices(['standard', 'premium']).default('standard'),
    )
    .option(
      '--allow-origin <origins...>',
      'web pages that may speak to it, such as https://app.example (default: none)',
    )
    .option('--control', 'let `fault` and `advance` steer it, from this folder (default: off)')
    .option('--virtual-time', 'time stands still until `advance`; with --control (default: off)')
    .addOption(verboseOption());
  documented(program, {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: `${shell.name} --tls --memory`,
  }).action(async (options: ServeOptions) => shell.finish(await runBroker(options, shell.name)));
  // `--data dir status` means that folder too.
  program.hook('preAction', (_, acting) => {
    const { data }: ServeOptions = program.opts();
    const own: ServeOptions = acting.opts();
    if (data !== undefined && own.data === undefined) acting.setOptionValue('data', data);
  });
  addStatusCommand(program, shell);
  addAdvanceCommand(program, shell);
  addFaultCommand(program, shell);
  return program;
}

function readVersion(): string {
  const manifest = new URL(import.meta.resolve('quorate-broker/package.json'));
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
