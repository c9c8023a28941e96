// `fault`: lets something go wrong on purpose in a running broker.
import type { Command, Option } from 'commander';
import type { BrokerControl } from '../control/control.ts';
import { reachControl } from '../control/control-side.ts';
import type { Fault, FaultKind } from '../control/fault.ts';
import {
  dataFolder,
  dataOption,
  documented,
  EXIT,
  type ExitCode,
  type Shell,
  verboseOption,
} from './command.ts';
import {
  conditionOptions,
  delayFor,
  deliveryOptions,
  type FaultFlags,
  OPERATIONS_HELP,
  ofConnections,
  ofLocks,
  toFault,
  triggerOptions,
} from './fault-options.ts';

interface Kind {
  readonly description: string;
  readonly options: () => Option[];
  readonly example: string;
}

const KINDS: Readonly<Record<FaultKind, Kind>> = {
  reject: {
    description: 'Tell a client that its operation failed; at committed although it has been done.',
    options: () => [...triggerOptions(true), ...conditionOptions()],
    example: '--on send --entity orders --condition com.microsoft:server-busy --times 3',
  },
  delay: {
    description: 'Hold an operation, or its answer, back.',
    options: () => [...triggerOptions(true), delayFor()],
    example: '--on settle --entity orders --for 2s',
  },
  'drop-connection': {
    description: 'Cut connections without a goodbye: at once, or when an operation comes.',
    options: () => [...triggerOptions(false), ...ofConnections()],
    example: '--of-entity orders',
  },
  'lose-lock': {
    description: 'End locks as if their time were over: at once, or when an operation comes.',
    options: () => [...triggerOptions(false), ...ofLocks()],
    example: '--of-entity orders --of-session a',
  },
  duplicate: {
    description: 'Let a message come twice: after its delivery, or although its completion was acknowledged.',
    options: deliveryOptions,
    example: '--entity orders --after settlement',
  },
  stop: {
    description: 'Kill the process of the broker at an operation, as kill -9 does.',
    options: () => triggerOptions(true),
    example: '--on state-write --at acknowledged',
  },
};

interface Flags extends FaultFlags {
  readonly data?: string;
}

export function addFaultCommand(program: Command, { name, finish }: Shell): void {
  const fault = program
    .command('fault')
    .description('Let something go wrong on purpose in a broker that runs with --control.');
  documented(fault, { exits: ['done', 'failed', 'usage'], example: `${name} fault list` });
  for (const [kind, { description, options, example }] of Object.entries(KINDS)) {
    const command = fault.command(kind).description(description);
    for (const option of options()) command.addOption(option);
    if (kind !== 'duplicate') command.addHelpText('after', OPERATIONS_HELP);
    finished(command, `${name} fault ${kind} ${example}`).action(async (flags: Flags) =>
      finish(await inject(kind as FaultKind, flags)),
    );
  }
  const list = fault.command('list').description('Show the faults, and how often each has struck.');
  finished(list, `${name} fault list`).action(async ({ data }: Flags) => finish(await show(data)));
  const clear = fault
    .command('clear')
    .description('Take a fault back, or all of them; what they hold continues.')
    .argument('[id]', 'as inject and list show it (default: all)');
  finished(clear, `${name} fault clear`).action(async (id: string | undefined, { data }: Flags) => {
    await controlOf(data, (control) => control.faults.clear(id));
    finish(EXIT.done);
  });
  const wait = fault
    .command('wait')
    .description('Wait until a fault has struck.')
    .argument('<id>', 'as inject and list show it');
  finished(wait, `${name} fault wait fault-1`).action(async (id: string, { data }: Flags) => {
    await controlOf(data, (control) => control.faults.triggered(id));
    finish(EXIT.done);
  });
}

function finished(command: Command, example: string): Command {
  command.addOption(dataOption()).addOption(verboseOption());
  return documented(command, { exits: ['done', 'failed', 'usage'], example });
}

async function inject(kind: FaultKind, flags: Flags): Promise<ExitCode> {
  const fault = toFault(kind, flags) as Fault;
  console.log(await controlOf(flags.data, (control) => control.faults.inject(fault)));
  return EXIT.done;
}

async function show(data: string | undefined): Promise<ExitCode> {
  for (const { id, fault, triggered, spent } of await controlOf(data, (control) => control.faults.list())) {
    const { kind, ...rest } = fault;
    console.log(`${id}  ${kind}  struck ${triggered}${spent ? ', over' : ''}  ${JSON.stringify(rest)}`);
  }
  return EXIT.done;
}

function controlOf<T>(data: string | undefined, call: (control: BrokerControl) => Promise<T>): Promise<T> {
  return call(reachControl(dataFolder(data)));
}
