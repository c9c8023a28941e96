// `quorate broker`: the commands of the package `quorate-broker`, which is loaded only here.
import type { Command } from 'commander';
import { loadBrokerCommands } from '../../common/optional-packages.ts';
import type { Finish } from '../shared/exit.ts';

export function addBrokerCommand(program: Command, finish: Finish): void {
  program
    .command('broker')
    .description(
      'Run the Service Bus broker by itself, or steer one that runs (of the package quorate-broker).',
    )
    // All that stands behind it, --help too, is for its own commands.
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[arguments...]')
    .action(async (args: string[]) => {
      const { createBrokerProgram } = await loadBrokerCommands();
      await createBrokerProgram({ name: 'quorate broker', finish }).parseAsync(args, { from: 'user' });
    });
}
