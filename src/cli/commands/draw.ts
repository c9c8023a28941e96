// `quorate draw`: a machine as a Mermaid diagram.
import type { Command } from 'commander';
import { loadConfig, resolveConfig } from '../../config/resolve.ts';
import { QuorateError } from '../../contract/errors.ts';
import { documented, EXIT, type Finish } from '../shared/exit.ts';
import { verboseOption } from '../shared/options.ts';
import { registered } from '../shared/registered.ts';
import { DEFAULT_CONFIG } from './start.ts';

interface DrawOptions {
  readonly config: string;
  readonly verbose?: true;
}

export function addDrawCommand(program: Command, finish: Finish): void {
  const command = program
    .command('draw')
    .description('Draw a machine as a Mermaid state diagram on standard output.')
    .argument('<machine>', 'machine type of the configuration')
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .addOption(verboseOption());
  documented(command, { exits: ['done', 'failed', 'usage'], example: 'quorate draw summary' }).action(
    async (type: string, { config: path }: DrawOptions) => {
      const { machines } = await registered(resolveConfig(await loadConfig(path), process.env));
      const machine = machines.get(type);
      if (machine === undefined) {
        throw new QuorateError(
          'MACHINE_NOT_FOUND',
          `${path} has no machine '${type}', but ${[...machines.keys()].join(', ')}.`,
        );
      }
      const { toMermaid } = await import('./draw-mermaid.ts');
      process.stdout.write(`${toMermaid(machine.graph, machine.definition).trimEnd()}\n`);
      finish(EXIT.done);
    },
  );
}
