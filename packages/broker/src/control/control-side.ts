// The control of a broker for other processes of the same person: a loopback port apart from the one that clients know, a
// token in a file of the data folder, and the client that finds both. One call a connection, a line each way.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { sameText } from '../access/shared-access-signature.ts';
import { prepareFolder, putFile } from '../data-folder.ts';
import { BrokerError, type BrokerErrorCode } from '../errors.ts';
import { type BrokerControl, isControlCall, remoteControl, runControlCall } from './control.ts';

// Where the control side of a running broker is, and the token that opens it: a file that only its owner can read.

const FILE = 'broker.control.json';

interface ControlAddress {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
}

function writeControlAddress(folder: string, address: ControlAddress): void {
  prepareFolder(folder);
  putFile(join(folder, FILE), `${JSON.stringify(address)}\n`);
}

function readControlAddress(folder: string): ControlAddress | undefined {
  try {
    const address: unknown = JSON.parse(readFileSync(join(folder, FILE), 'utf8'));
    return isAddress(address) ? address : undefined;
  } catch {
    return undefined;
  }
}

/** Unless another broker has put its own there. */
function removeControlAddress(folder: string, { token }: ControlAddress): void {
  if (readControlAddress(folder)?.token !== token) return;
  try {
    rmSync(join(folder, FILE), { force: true });
  } catch {
    // The next broker writes over it.
  }
}

function isAddress(value: unknown): value is ControlAddress {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'port' in value &&
    typeof value.port === 'number' &&
    'token' in value &&
    typeof value.token === 'string'
  );
}

const LOOPBACK = '127.0.0.1';
const TOKEN_BYTES = 32;
/** A connection that has not asked within this time is cut. */
const ASK_MS = 5000;
const MAX_CALL_BYTES = 64 * 1024;

interface ControlRequest {
  readonly token: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

type ControlReply =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

/** An open control side; `close` removes its file and ends its port. */
export interface ControlSide {
  close(): Promise<void>;
}

/**
 * Lets other processes of this user steer a broker that runs in this one, as `quorate-broker --control` does: a port on 127.0.0.1, and its token
 * in a file of the data folder.
 *
 * @returns The open side, to be closed before the broker stops.
 */
export async function openControlSide(control: BrokerControl, folder: string): Promise<ControlSide> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    serve(socket, control, token);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => resolve());
  });
  const listening = server.address();
  const port = listening && typeof listening === 'object' ? listening.port : 0;
  const address = { pid: process.pid, port, token };
  try {
    writeControlAddress(folder, address);
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    close: async () => {
      removeControlAddress(folder, address);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(socket: Socket, control: BrokerControl, token: string): void {
  const late = setTimeout(() => socket.destroy(), ASK_MS);
  socket.once('close', () => clearTimeout(late));
  socket.on('data', () => {
    if (socket.bytesRead > MAX_CALL_BYTES) socket.destroy();
  });
  const lines = createInterface({ input: socket });
  // It tells of the socket's errors again.
  lines.on('error', () => socket.destroy());
  lines.once('line', (line) => {
    clearTimeout(late);
    const request = parse(line);
    if (!request || !sameText(request.token, token)) return void socket.destroy();
    void answer(control, request).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
  });
}

async function answer(control: BrokerControl, { name, args }: ControlRequest): Promise<ControlReply> {
  try {
    if (!isControlCall(name)) throw new BrokerError('BROKER_FAILED', `There is no call '${name}'.`);
    return { kind: 'result', value: await runControlCall(control, name, args) };
  } catch (error) {
    const code = error instanceof BrokerError ? error.code : 'BROKER_FAILED';
    return { kind: 'error', code, message: error instanceof Error ? error.message : String(error) };
  }
}

function parse(line: string): ControlRequest | undefined {
  try {
    const request = JSON.parse(line) as Partial<ControlRequest> | null;
    const { token, name, args } = request ?? {};
    return typeof token === 'string' && typeof name === 'string' && Array.isArray(args)
      ? { token, name, args: args as unknown[] }
      : undefined;
  } catch {
    return undefined;
  }
}

// The control of a broker that runs in another process, by way of the file that it left in its data folder.

/**
 * Steers a broker that runs in another process with a control side on this data folder.
 *
 * @returns The same calls as the broker's own.
 * @throws BROKER_NOT_CONTROLLED when no such broker is there; so do its calls when it does not answer.
 */
export function reachControl(folder: string): BrokerControl {
  const address = readControlAddress(folder);
  if (!address) throw notControlled(folder, 'there is no broker.control.json');
  return remoteControl((name, args) =>
    ask(folder, address, { token: address.token, name, args: written(args) }),
  );
}

async function ask(folder: string, { port }: ControlAddress, request: ControlRequest): Promise<unknown> {
  const socket = connect({ host: LOOPBACK, port });
  socket.write(`${JSON.stringify(request)}\n`);
  const answered = await text(socket).catch((error: unknown) => {
    throw notControlled(folder, error instanceof Error ? error.message : String(error));
  });
  if (answered === '') throw notControlled(folder, 'it ended the conversation without an answer');
  const reply = JSON.parse(answered) as ControlReply;
  if (reply.kind === 'error') throw new BrokerError(reply.code as BrokerErrorCode, reply.message);
  return reply.value;
}

/** JSON would make null of what is left out at the end. */
function written(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
}

function notControlled(folder: string, why: string): BrokerError {
  return new BrokerError('BROKER_NOT_CONTROLLED', `No broker is controlled from ${folder}: ${why}.`, {
    folder,
  });
}
