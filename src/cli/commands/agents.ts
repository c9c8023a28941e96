// `quorate agents`: agents of all processes, listed, paused and resumed while they run.
import type { Command } from 'commander';
import type { AgentPause } from '../../contract/orders.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption } from '../shared/options.ts';
import { formatRows } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface AgentsOptions {
  readonly data?: string;
  readonly json?: true;
}

const CALL = { timeoutMs: QUERY_TIMEOUT_MS };

export function addAgentsCommand(program: Command, finish: Finish): void {
  const agents = program
    .command('agents')
    .description('Agents of all processes: list, pause, resume. Needs `atRunTime` in the configuration.');
  documented(agents, { exits: ['done', 'usage'], example: 'quorate agents --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      agents
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate agents ${example}` },
    );
  add('ls', 'List them, with those that are paused.', 'ls').action(async (options: AgentsOptions) =>
    finish(await list(options)),
  );
  add('pause', 'Let no process begin a task of one until it is resumed.', 'pause research --reason "costs"')
    .argument('<agent>', 'its name')
    .option('--reason <text>', 'for who looks at it (default: none)')
    .action(async (agent: string, options: AgentsOptions & { readonly reason?: string }) =>
      finish(await pause(agent, options)),
    );
  add('resume', 'Let its tasks begin again.', 'resume research')
    .argument('<agent>', 'its name')
    .action(async (agent: string, options: AgentsOptions) => finish(await resume(agent, options)));
}

async function list({ data, json }: AgentsOptions): Promise<ExitCode> {
  const found = await withClient(data, ({ agents }) => agents.list(CALL));
  console.log(json ? JSON.stringify(found) : describeAgents(found).join('\n'));
  return EXIT.done;
}

async function pause(
  agent: string,
  { data, json, reason }: AgentsOptions & { readonly reason?: string },
): Promise<ExitCode> {
  const given = { ...CALL, ...(reason === undefined ? {} : { reason }) };
  const paused = await withClient(data, ({ agents }) => agents.pause(agent, given));
  console.log(json ? JSON.stringify({ [agent]: paused }) : `${agent}: ${stateOf(paused)}`);
  return EXIT.done;
}

async function resume(agent: string, { data, json }: AgentsOptions): Promise<ExitCode> {
  await withClient(data, ({ agents }) => agents.resume(agent, CALL));
  console.log(json ? JSON.stringify({ [agent]: null }) : `${agent}: ${stateOf(null)}`);
  return EXIT.done;
}

export function describeAgents(found: Readonly<Record<string, AgentPause | null>>): string[] {
  const all = Object.entries(found);
  if (all.length === 0)
    return ['no process follows what is ordered at run time: set atRunTime in the configuration'];
  const rows = all.map(([name, paused]) => [name, stateOf(paused), paused?.reason ?? '']);
  return formatRows([['agent', 'state', 'reason'], ...rows], []).map((line) => line.trimEnd());
}

function stateOf(paused: AgentPause | null): string {
  return paused === null ? 'may begin tasks' : `paused since ${new Date(paused.since).toISOString()}`;
}
