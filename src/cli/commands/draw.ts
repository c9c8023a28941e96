// `quorate draw`: a machine as a Mermaid diagram.
import type { Command } from 'commander';
import { loadConfig, resolveConfig } from '../../config/resolve.ts';
import type { ResolvedConfig } from '../../contract/config.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { MachineDescription } from '../../contract/worker.ts';
import { documented, EXIT, type Finish } from '../shared/exit.ts';
import { verboseOption } from '../shared/options.ts';
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
      const machines = await describeMachines(resolveConfig(await loadConfig(path), process.env));
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

/** Machines are loaded in a worker only; nothing else of the runtime is needed. */
async function describeMachines(config: ResolvedConfig): Promise<ReadonlyMap<string, MachineDescription>> {
  const [{ createWorkerPool }, { registerMachines }] = await Promise.all([
    import('../../actors/pool/pool.ts'),
    import('../../runtime/registration.ts'),
  ]);
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: config.turnTimeoutMs });
  try {
    return (await registerMachines(config, pool)).machines;
  } finally {
    await pool.close();
  }
}
