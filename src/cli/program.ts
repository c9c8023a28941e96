// All commands put together.
import { Command } from 'commander';
import { addActorsCommand } from './actors.ts';
import { addBrokerCommand } from './broker.ts';
import { addDemoCommand } from './demo.ts';
import { addDlqCommand } from './dlq.ts';
import { addDoctorCommand } from './doctor.ts';
import { documented, type Finish } from './documented.ts';
import { addDrawCommand } from './draw.ts';
import { addResetCommand } from './reset.ts';
import { addServeCommand } from './serve.ts';
import { addStartCommand } from './start.ts';
import { readVersion } from './version.ts';

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
  documented(program, { exits: ['done', 'failed', 'usage'], example: 'quorate draw review' });
  addDemoCommand(program, finish);
  addServeCommand(program, finish);
  addStartCommand(program, finish);
  addDrawCommand(program, finish);
  addDoctorCommand(program, finish);
  addActorsCommand(program, finish);
  addDlqCommand(program, finish);
  addBrokerCommand(program, finish);
  addResetCommand(program, finish);
  return program;
}
