/** The control of a broker that runs in another process, by way of the file that it left in its data folder. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { BrokerError, type BrokerErrorCode } from '../errors.ts';
import { remoteControl } from './calls.ts';
import type { BrokerControl } from './control.ts';
import { type ControlAddress, readControlAddress } from './control-file.ts';
import type { ControlReply, ControlRequest } from './control-side.ts';

const LOOPBACK = '127.0.0.1';

/** Throws BROKER_NOT_CONTROLLED when no broker is there; so do its calls when it does not answer. */
export function reachControl(folder: string): BrokerControl {
  const address = readControlAddress(folder);
  if (!address) throw notControlled(folder, 'there is no broker.control.json');
  return remoteControl((name, args) =>
    ask(folder, address, { token: address.token, name, args: given(args) }),
  );
}

async function ask(folder: string, { port }: ControlAddress, request: ControlRequest): Promise<unknown> {
  const socket = connect({ host: LOOPBACK, port });
  socket.write(`${JSON.stringify(request)}\n`);
  const answer = await text(socket).catch((error: unknown) => {
    throw notControlled(folder, error instanceof Error ? error.message : String(error));
  });
  if (answer === '') throw notControlled(folder, 'it ended the conversation without an answer');
  const reply = JSON.parse(answer) as ControlReply;
  if (reply.kind === 'error') throw new BrokerError(reply.code as BrokerErrorCode, reply.message);
  return reply.value;
}

/** JSON would make null of what is left out at the end. */
function given(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
}

function notControlled(folder: string, why: string): BrokerError {
  return new BrokerError('BROKER_NOT_CONTROLLED', `No broker is controlled from ${folder}: ${why}.`, {
    folder,
  });
}
