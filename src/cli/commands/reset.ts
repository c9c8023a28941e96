// `quorate reset`: the local data is removed, after asking.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { isAlive } from '../../common/neighbours.ts';
import { loadBroker } from '../../common/optional-packages.ts';
import { resolveConfig } from '../../config/resolve.ts';
import { dataFolderOf } from '../../config/target.ts';
import { QuorateError } from '../../contract/errors.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption, withFlags } from '../shared/options.ts';
import { confirm } from '../shared/terminal.ts';

interface ResetOptions {
  readonly data?: string;
  readonly yes?: true;
}

export function addResetCommand(program: Command, finish: Finish): void {
  const command = program
    .command('reset')
    .description('Remove the local data: the embedded broker with all its actors, results and payloads.')
    .addOption(dataOption())
    .option('--yes', 'do not ask (default: ask)')
    .addOption(verboseOption());
  documented(command, { exits: ['done', 'failed', 'usage'], example: 'quorate reset --yes' }).action(
    async (options: ResetOptions) => finish(await reset(options)),
  );
}

/** What Quorate and the repository's sample write into a data folder: nothing else is ever removed. */
const OWN = /^(results(\.db.*)?|payloads|runs|console|key|tls|broker\..+|last-review\.json.*)$/;

async function reset({ data, yes }: ResetOptions): Promise<ExitCode> {
  const folder = dataFolder(data);
  if (!existsSync(folder)) {
    console.log(`nothing to remove: there is no ${folder}`);
    return EXIT.done;
  }
  const foreign = (await readdir(folder)).filter((name) => !OWN.test(name));
  if (foreign.length > 0) {
    const named = foreign.slice(0, 3).join(', ');
    throw new QuorateError('USAGE', `${folder} holds what is not Quorate's (${named}); nothing was removed.`);
  }
  await refuseWhileOwned(folder);
  if (!yes && !(await confirm(`Remove ${folder} with everything in it?`))) {
    console.log('nothing was removed');
    return EXIT.failed;
  }
  await rm(folder, { recursive: true });
  console.log(`removed ${folder}`);
  return EXIT.done;
}

async function refuseWhileOwned(folder: string): Promise<void> {
  const { readBrokerRecord } = await loadBroker();
  const owner = readBrokerRecord(folder);
  if (owner !== undefined && isAlive(owner.pid)) {
    throw new QuorateError('BROKER_DATA_IN_USE', `process ${owner.pid} runs on ${folder}.`);
  }
}

/** --data, else $QUORATE_DATA, else .quorate. */
function dataFolder(data: string | undefined): string {
  const env = withFlags(process.env, data === undefined ? {} : { data });
  return dataFolderOf(resolveConfig({ machines: {} }, env));
}
