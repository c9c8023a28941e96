/**
 * The control of a broker for other processes of the same person: a loopback port of its own, apart from the one that
 * clients know, and a token that stands in a file of the data folder. One call a connection, a line each way.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { BrokerError } from '../errors.ts';
import { isControlCall, runControlCall } from './calls.ts';
import type { BrokerControl } from './control.ts';
import { removeControlAddress, writeControlAddress } from './control-file.ts';

const LOOPBACK = '127.0.0.1';
const TOKEN_BYTES = 32;
/** A connection that has not asked by then is cut. */
const ASK_MS = 5000;
const MAX_CALL_BYTES = 64 * 1024;

export interface ControlRequest {
  readonly token: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type ControlReply =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

export interface ControlSide {
  close(): Promise<void>;
}

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
    if (!request || !same(request.token, token)) return void socket.destroy();
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

function same(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
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
