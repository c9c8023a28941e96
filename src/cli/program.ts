// All commands put together.
import { Command } from 'commander';
import { readVersion } from '../common/version.ts';
import { addActorsCommand } from './commands/actors.ts';
import { addAgentsCommand } from './commands/agents.ts';
import { addAsksCommand } from './commands/asks.ts';
import { addBrokerCommand } from './commands/broker.ts';
import { addBudgetsCommand } from './commands/budgets.ts';
import { addCheckCommand } from './commands/check.ts';
import { addConsoleCommand } from './commands/console.ts';
import { addCostsCommand } from './commands/costs.ts';
import { addDlqCommand } from './commands/dlq.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDrawCommand } from './commands/draw.ts';
import { addLimitsCommand } from './commands/limits.ts';
import { addMcpCommand } from './commands/mcp.ts';
import { addPricesCommand } from './commands/prices.ts';
import { addResetCommand } from './commands/reset.ts';
import { addStartCommand } from './commands/start.ts';
import { documented, type Finish } from './shared/exit.ts';

/** Errors are thrown, not printed: `main` has one way to show them. */
export function createProgram(finish: Finish): Command {
  const program = new Command('quorate')
    .description('Ordinary XState machines as durable, distributed actors on Azure Service Bus.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    // What stands behind a command belongs to it, also where its parent has an option of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  documented(program, {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate start --config quorate.config.ts',
  });
  addStartCommand(program, finish);
  addConsoleCommand(program, finish);
  addCheckCommand(program, finish);
  addDrawCommand(program, finish);
  addDoctorCommand(program, finish);
  addActorsCommand(program, finish);
  addAgentsCommand(program, finish);
  addAsksCommand(program, finish);
  addCostsCommand(program, finish);
  addBudgetsCommand(program, finish);
  addLimitsCommand(program, finish);
  addPricesCommand(program, finish);
  addDlqCommand(program, finish);
  addMcpCommand(program, finish);
  addBrokerCommand(program, finish);
  addResetCommand(program, finish);
  return program;
}
