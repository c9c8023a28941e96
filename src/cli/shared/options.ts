// Options that several commands share, and what they do to the environment: a flag wins over a variable, a variable
// over the configuration file.
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../../config/resolve.ts';
import { type ActorAddress, parseAddress } from '../../contract/address.ts';

const HIGHEST_PORT = 65_535;

export interface HostOptions {
  readonly port?: number;
  readonly data?: string;
  readonly traceFile?: string;
  readonly verbose?: true;
}

export function addHostOptions(command: Command): Command {
  return command
    .addOption(dataOption())
    .addOption(portOption())
    .option('--trace-file <file>', 'append the traces as OTLP JSON lines (default: none)')
    .addOption(verboseOption());
}

function portOption(): Option {
  return new Option(
    '--port <number>',
    'port of the embedded broker (default: 5672, else the next free one)',
  ).argParser(toPort);
}

export function dataOption(): Option {
  return new Option('--data <folder>', 'folder of the local data (default: $QUORATE_DATA, else .quorate)');
}

export function verboseOption(): Option {
  return new Option('--verbose', 'debug logs, and stacks with errors (default: off)');
}

export function withFlags(env: Environment, { port, data }: Pick<HostOptions, 'port' | 'data'>): Environment {
  return {
    ...env,
    ...(port === undefined ? {} : { QUORATE_PORT: String(port) }),
    ...(data === undefined ? {} : { QUORATE_DATA: data }),
  };
}

/** An argument that is a whole number in these bounds; `what` it is stands in the error. */
export function wholeNumber(
  least: number,
  most = Number.MAX_SAFE_INTEGER,
  what = 'It',
): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= most)
      return number;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `${least} on` : `${least} to ${most}`;
    throw new InvalidArgumentError(`${what} is a whole number from ${bounds}.`);
  };
}

export const toPort = wholeNumber(0, HIGHEST_PORT, 'A port');

/** The argument `<type>/<id>` of a command. */
export function toAddress(text: string): ActorAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new InvalidArgumentError('An actor is <type>/<id>.');
  return address;
}

/** Who works here; undefined for a user without an entry, as in a container. */
export function userName(): string | undefined {
  try {
    return userInfo().username || undefined;
  } catch {
    return undefined;
  }
}
