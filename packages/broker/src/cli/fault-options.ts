// The flags of `fault <kind>`, and the fault that they make.
import { InvalidArgumentError, Option } from 'commander';
import type { FaultKind, FaultOperation, FaultPoint } from '../control/fault.ts';
import { BrokerError } from '../errors.ts';
import { toDurationMs } from './command.ts';

const OPERATIONS: Readonly<Record<FaultOperation, string>> = {
  send: 'messages are sent',
  schedule: 'messages are scheduled',
  cancel: 'scheduled ones are cancelled',
  settle: 'a message is completed, abandoned, deferred or dead-lettered',
  renew: 'a lock is renewed',
  accept: 'a session is accepted',
  'state-read': 'a session state is read',
  'state-write': 'a session state is written',
  'receive-deferred': 'deferred messages are fetched',
  peek: 'messages are peeked',
  delete: 'messages are deleted in a batch',
  rules: 'rules are managed over AMQP',
  sessions: 'sessions are listed',
  admin: 'an entity is changed over HTTP',
};
const ANY = 'any';
const POINTS: Readonly<Record<FaultPoint, string>> = {
  arrived: 'nothing has been done yet',
  committed: 'it is done and on disk, and nobody has been told',
  acknowledged: 'the client has been told',
};
const NAME_WIDTH = 16;

/** What stands below the options of a kind that waits for operations. */
export const OPERATIONS_HELP = [
  '\nOperations:',
  ...rows({ ...OPERATIONS, [ANY]: 'a client asks for whatever' }),
  '\nPoints of an operation:',
  ...rows(POINTS),
].join('\n');

export interface FaultFlags {
  readonly on?: FaultOperation | typeof ANY;
  readonly at?: FaultPoint;
  readonly entity?: string;
  readonly session?: string;
  readonly message?: string;
  readonly container?: string;
  readonly skip?: number;
  readonly times?: number | 'always';
  readonly condition?: string;
  readonly description?: string;
  readonly for?: number;
  readonly after?: string;
  readonly ofAll?: true;
  readonly ofEntity?: string;
  readonly ofContainer?: string;
  readonly ofSession?: string;
  readonly ofMessage?: string;
  readonly ofNumber?: number;
}

const countOptions = (): Option[] => [
  new Option('--skip <count>', 'let so many pass first (default: 0)').argParser(toCount),
  new Option('--times <count>', "strike so often, or 'always' (default: 1)").argParser(toTimes),
];

const messageOptions = (): Option[] => [
  new Option('--entity <path>', 'queue, topic or subscription (default: every)'),
  new Option('--session <id>', 'of this session (default: every)'),
  new Option('--message <id>', 'of this message (default: every)'),
  ...countOptions(),
];

export const deliveryOptions = (): Option[] => [
  ...messageOptions(),
  new Option('--after <what>', 'when it comes again (default: delivery)').choices(['delivery', 'settlement']),
];

export function triggerOptions(needed: boolean): Option[] {
  const on = new Option('--on <operation>', `strike when ... (default: ${needed ? 'none' : 'at once'})`);
  return [
    on.choices([...Object.keys(OPERATIONS), ANY]).makeOptionMandatory(needed),
    new Option('--at <point>', 'when of the operation (default: arrived; to stop: committed)').choices(
      Object.keys(POINTS),
    ),
    new Option('--container <id>', 'of the client with this container id (default: every)'),
    ...messageOptions(),
  ];
}

export const delayFor = (): Option =>
  new Option('--for <duration>', 'such as 500ms (default: until it is cleared)').argParser(toDurationMs);

export const conditionOptions = (): Option[] => [
  new Option('--condition <name>', 'such as com.microsoft:server-busy (default: none)').makeOptionMandatory(),
  new Option('--description <text>', 'what the client is told beside it (default: which fault it was)'),
];

export const ofConnections = (): Option[] => [
  new Option('--of-all', 'drop all connections (default: that of the operation)'),
  new Option('--of-entity <path>', 'drop those with a link to it (default: that of the operation)'),
  new Option('--of-container <id>', 'drop that of this client (default: that of the operation)'),
];

export const ofLocks = (): Option[] => [
  new Option('--of-entity <path>', 'locks of this entity (default: the lock of the operation)'),
  new Option('--of-session <id>', 'of this session (default: all)'),
  new Option('--of-message <id>', 'of this message (default: all)'),
  new Option('--of-number <number>', 'of the message with this sequence number (default: all)').argParser(
    toCount,
  ),
];

/** Makes the fault that the broker takes. The broker says what is missing or too much. */
export function toFault(kind: FaultKind, flags: FaultFlags): object {
  const { condition, description, after, at } = flags;
  const narrowed = pruned({
    entity: flags.entity,
    session: flags.session,
    messageId: flags.message,
    container: flags.container,
    skip: flags.skip,
    times: flags.times,
  });
  if (flags.on === undefined && narrowed !== undefined && kind !== 'duplicate') {
    throw new BrokerError(
      'BROKER_USAGE',
      `--${Object.keys(narrowed)[0]} narrows an operation, so it needs --on.`,
    );
  }
  const operation = flags.on === ANY ? undefined : flags.on;
  const on = flags.on === undefined ? narrowed : (pruned({ ...narrowed, operation }) ?? {});
  const named = pruned({
    entity: flags.ofEntity,
    container: flags.ofContainer,
    session: flags.ofSession,
    messageId: flags.ofMessage,
    sequenceNumber: flags.ofNumber,
  });
  const of = named ?? (flags.ofAll ? {} : undefined);
  // A user who runs the broker as a command means its process.
  const process = kind === 'stop' ? true : undefined;
  return { kind, ...pruned({ on, at, of, condition, description, ms: flags.for, after, process }) };
}

function pruned(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

function toCount(text: string): number {
  const count = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(count) || count < 0)
    throw new InvalidArgumentError('A count is a whole number from 0.');
  return count;
}

function toTimes(text: string): number | 'always' {
  return text === 'always' ? text : toCount(text);
}

function rows(names: Readonly<Record<string, string>>): string[] {
  return Object.entries(names).map(([name, meaning]) => `  ${name.padEnd(NAME_WIDTH)} ${meaning}`);
}
