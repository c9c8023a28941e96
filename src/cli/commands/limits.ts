// `quorate limits`: limits that processes share, looked at and changed while they run.
import type { Command } from 'commander';
import { describeSettings } from '../../actors/agents/limit/describe.ts';
import type { QuorateClient } from '../../contract/client.ts';
import type { LimitChange, LimitStatus } from '../../contract/limits.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption, wholeNumber } from '../shared/options.ts';
import { formatRows } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface LimitsOptions {
  readonly data?: string;
  readonly json?: true;
}

interface SetOptions extends LimitsOptions {
  readonly requests?: number;
  readonly tokens?: number;
  readonly concurrent?: number;
}

const CALL = { timeoutMs: QUERY_TIMEOUT_MS };

export function addLimitsCommand(program: Command, finish: Finish): void {
  const limits = program
    .command('limits')
    .description('Limits that processes share: list, change, pause, resume.');
  documented(limits, { exits: ['done', 'usage'], example: 'quorate limits --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      limits
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate limits ${example}` },
    );
  add('ls', 'List them, with what counts now.', 'ls').action(async (options: LimitsOptions) =>
    finish(await list(options)),
  );
  add('set', 'Change one for all processes, at once.', 'set gpt-5 --requests 300')
    .argument('<name>', 'limit')
    .option('--requests <count>', 'requests a minute (default: as it is)', wholeNumber(1))
    .option('--tokens <count>', 'tokens a minute (default: as it is)', wholeNumber(1))
    .option('--concurrent <count>', 'calls at once (default: as it is)', wholeNumber(1))
    .action(async (name: string, options: SetOptions) =>
      finish(await say(name, options, (client) => client.limits.set(name, changeOf(options), CALL))),
    );
  add('pause', 'Let nothing of it begin until it is resumed.', 'pause gpt-5')
    .argument('<name>', 'limit')
    .action(async (name: string, options: LimitsOptions) =>
      finish(await say(name, options, (client) => client.limits.pause(name, CALL))),
    );
  add('resume', 'Let its work continue.', 'resume gpt-5')
    .argument('<name>', 'limit')
    .action(async (name: string, options: LimitsOptions) =>
      finish(await say(name, options, (client) => client.limits.resume(name, CALL))),
    );
}

function changeOf({ requests, tokens, concurrent }: SetOptions): LimitChange {
  return {
    ...(requests === undefined ? {} : { requestsPerMinute: requests }),
    ...(tokens === undefined ? {} : { tokensPerMinute: tokens }),
    ...(concurrent === undefined ? {} : { concurrent }),
  };
}

async function list({ data, json }: LimitsOptions): Promise<ExitCode> {
  const found = await withClient(data, async ({ limits }) => {
    const names = await limits.list();
    return Promise.all(names.map(async (name) => [name, await limits.get(name, CALL)] as const));
  });
  const lines = json ? [JSON.stringify(Object.fromEntries(found))] : describeLimits(found);
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.done;
}

async function say(
  name: string,
  { data, json }: LimitsOptions,
  act: (client: QuorateClient) => Promise<LimitStatus>,
): Promise<ExitCode> {
  const status = await withClient(data, act);
  const line = `${name}: ${describeSettings(status.settings)}, revision ${status.revision}, ${stateOf(status)}`;
  process.stdout.write(`${json ? JSON.stringify({ [name]: status }) : line}\n`);
  return EXIT.done;
}

export function describeLimits(found: readonly (readonly [string, LimitStatus])[]): string[] {
  if (found.length === 0) return ['no process has asked for a limit yet'];
  return formatRows(
    [
      ['limit', 'allowed', 'revision', 'used', 'processes', 'state'],
      ...found.map(([name, status]) => [
        name,
        describeSettings(status.settings),
        String(status.revision),
        `${Math.round(status.used * 100)} %`,
        String(status.processes),
        stateOf(status),
      ]),
    ],
    [2, 3, 4],
  );
}

function stateOf({ stopped, pausedMs, breaker }: LimitStatus): string {
  if (stopped) return 'stopped';
  if (breaker !== 'closed') return `breaker ${breaker}`;
  return pausedMs > 0 ? `paused for ${Math.ceil(pausedMs / 1_000)} s` : 'open for calls';
}
