// The control of a broker in another process: by its own port and token in the library, and by the command line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test, vi } from 'vitest';
import { exitOf, formatFailure } from '../../src/cli/command.ts';
import { createBrokerProgram } from '../../src/cli/program.ts';
import { openControlSide, reachControl } from '../../src/index.ts';
import { queues, testBroker, testClient } from './kit.ts';

const START = Date.UTC(2030, 0, 1);
const FILE = 'broker.control.json';
const OWNER_ONLY = 0o600;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'quorate-control-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function controlled() {
  const data = await folder();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock: { virtual: { startAt: START } } });
  const side = await openControlSide(broker, data);
  onTestFinished(() => side.close());
  const address = JSON.parse(await readFile(join(data, FILE), 'utf8')) as { port: number; token: string };
  return { data, broker, side, address };
}

/** What comes back for these bytes, until the other side ends the conversation. */
async function say(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(bytes);
  return text(socket).catch(() => '');
}

test('a caller that breaks off ends nothing', async () => {
  const { data, address } = await controlled();
  for (const bytes of ['', '{"token":', 'x\n']) {
    const socket = connect({ host: '127.0.0.1', port: address.port });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    socket.resetAndDestroy();
  }
  expect(await reachControl(data).nextDue()).toBeUndefined();
});

test('whoever can read the file steers the broker, errors with their codes included', async () => {
  const { data, broker } = await controlled();
  const control = reachControl(data);
  expect(await control.advance(1000)).toBe(START + 1000);
  expect(broker.now()).toBe(START + 1000);
  expect(await control.nextDue()).toBeUndefined();
  const id = await control.faults.inject({
    kind: 'reject',
    on: { operation: 'send' },
    condition: 'amqp:not-allowed',
  });
  const waiting = control.faults.triggered(id);
  await expect(testClient(broker).createSender('q').sendMessages({ body: 1 })).rejects.toThrow(/fault-1/);
  await waiting;
  expect(await control.faults.list()).toEqual(await broker.faults.list());
  await control.faults.clear('fault-9');
  expect(await broker.faults.list()).toHaveLength(1);
  await control.faults.clear(undefined);
  expect(await broker.faults.list()).toEqual([]);
  await expect(control.faults.inject({ kind: 'stop' } as never)).rejects.toMatchObject({
    code: 'BROKER_FAULT_INVALID',
    message: expect.stringContaining("'on' is missing"),
  });
  await expect(control.advance(-5)).rejects.toMatchObject({ code: 'BROKER_FAILED' });
});

test('the file is for its owner alone and goes with the control side', async () => {
  const { data, side } = await controlled();
  expect((await stat(join(data, FILE))).mode & 0o777).toBe(OWNER_ONLY);
  const control = reachControl(data);
  await side.close();
  await expect(control.nextDue()).rejects.toMatchObject({ code: 'BROKER_NOT_CONTROLLED' });
  expect(() => reachControl(data)).toThrow(expect.objectContaining({ code: 'BROKER_NOT_CONTROLLED' }));
});

test('without the token nothing is answered, whatever is said', async () => {
  const { broker, address } = await controlled();
  const call = { name: 'advance', args: [1000] };
  const attempts: (string | Buffer)[] = [
    `${JSON.stringify(call)}\n`,
    `${JSON.stringify({ ...call, token: '' })}\n`,
    `${JSON.stringify({ ...call, token: 'x'.repeat(address.token.length) })}\n`,
    `${JSON.stringify({ ...call, token: [address.token] })}\n`,
    'null\n',
    '{\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    Buffer.from('AMQP\0\u0001\0\0\n', 'latin1'),
    'x'.repeat(200_000),
  ];
  for (const attempt of attempts) expect(await say(address.port, attempt)).toBe('');
  expect(broker.now()).toBe(START);
  const unknown = JSON.stringify({ token: address.token, name: 'toString', args: [] });
  expect(await say(address.port, `${unknown}\n`)).toContain('"code":"BROKER_FAILED"');
});

test('the port of the clients does not know it', async () => {
  const { broker, address } = await controlled();
  const call = JSON.stringify({ token: address.token, name: 'advance', args: [1000] });
  expect(await say(broker.port, `${call}\n`)).toBe('');
  const response = await fetch(`http://127.0.0.1:${broker.port}/control`, { method: 'POST', body: call });
  expect(response.status).toBe(401);
  expect(broker.now()).toBe(START);
});

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SOURCE = '--conditions=quorate-source';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One `quorate-broker ...` command, to its end, in this process. */
async function quorate(...args: string[]): Promise<Ended> {
  const said: unknown[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void said.push(line));
  let code = 0;
  let stderr = '';
  try {
    const finish = (exit: number) => {
      code = exit;
    };
    await createBrokerProgram({ name: 'quorate-broker', finish }).parseAsync(args, { from: 'user' });
  } catch (error) {
    code = exitOf(error);
    stderr = formatFailure(error, false);
  } finally {
    log.mockRestore();
  }
  return { code, stdout: said.map((line) => `${String(line)}\n`).join(''), stderr };
}

async function startCommand(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [SOURCE, MAIN, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.startsWith('stop ')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the broker ended with code ${code}`)));
  });
  return { child, connectionString: lines[0] ?? '' };
}

test('the command line skips time and lets things go wrong', async () => {
  const data = join(await folder(), 'data');
  const config = join(await folder(), 'Config.json');
  const Namespaces = [{ Name: 'n', Queues: [{ Name: 'orders', Properties: {} }] }];
  await writeFile(config, JSON.stringify({ UserConfig: { Namespaces } }));
  const { child, connectionString } = await startCommand([
    '--data',
    data,
    '--virtual-time',
    '--config',
    config,
  ]);
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 5000 },
  });
  onTestFinished(() => client.close());
  const sender = client.createSender('orders');
  const due = new Date(Date.now() + 2 * 24 * 3_600_000);
  await sender.scheduleMessages({ body: 'later' }, due);

  const skipped = await quorate('advance', '3d', '--data', data);
  expect(skipped).toMatchObject({ code: 0, stdout: expect.stringMatching(/^it is \d{4}-/), stderr: '' });
  expect(Date.parse(skipped.stdout.slice('it is '.length).trim())).toBeGreaterThan(due.getTime());
  const receiver = client.createReceiver('orders');
  const [message] = await receiver.receiveMessages(1);
  expect(message?.body).toBe('later');
  expect(await quorate('advance', '1h30m', '--patience', '100ms', '--data', data)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error BROKER_NOT_QUIET: .*'orders'.*\n {2}Settle, abandon or close/),
  });

  const busy = ['--condition', 'com.microsoft:server-busy', '--times', '1'];
  const injected = await quorate(
    'fault',
    'reject',
    '--on',
    'settle',
    '--entity',
    'orders',
    ...busy,
    '--data',
    data,
  );
  expect(injected).toEqual({ code: 0, stdout: 'fault-1\n', stderr: '' });
  if (message) await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'ServiceBusy' });
  expect(await quorate('fault', 'wait', 'fault-1', '--data', data)).toMatchObject({ code: 0 });
  expect((await quorate('fault', 'list', '--data', data)).stdout).toBe(
    'fault-1  reject  struck 1, over  {"on":{"entity":"orders","times":1,"operation":"settle"},"condition":"com.microsoft:server-busy"}\n',
  );
  await quorate('fault', 'clear', '--data', data);
  expect((await quorate('fault', 'list', '--data', data)).stdout).toBe('');

  const exit = once(child, 'exit');
  await quorate('fault', 'stop', '--on', 'send', '--at', 'committed', '--data', data);
  void sender.sendMessages({ body: 'last words' }).catch(() => {});
  expect(await exit).toEqual([null, 'SIGKILL']);
  expect(await quorate('advance', '1s', '--data', data)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error BROKER_NOT_CONTROLLED: .*\n {2}Start the broker with --control/),
  });
});

test('what cannot be done is said with a code', async () => {
  const data = join(await folder(), 'data');
  const { child } = await startCommand(['--data', data, '--control']);
  const of = (...args: string[]) => quorate(...args, '--data', data);
  expect(await of('advance', '3d')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error BROKER_CLOCK_REAL: .*\n {2}Start the broker with --virtual-time/),
  });
  const refusals: [string[], RegExp][] = [
    [['advance', '3 weeks'], /A duration is written like/],
    [['fault', 'reject', '--condition', 'x'], /required option '--on <operation>'/],
    [['fault', 'stop', '--on', 'sing'], /Allowed choices are send, /],
    [['fault', 'stop', '--on', 'send', '--times', '0'], /'times' has to be a whole number from 1/],
    [['fault', 'lose-lock'], /it needs 'on'/],
    [['fault', 'lose-lock', '--of-session', 'a'], /'entity' is missing/],
    [['fault', 'drop-connection', '--entity', 'q'], /--entity narrows an operation, so it needs --on/],
    [['fault', 'wait', 'fault-9'], /There is no fault 'fault-9'/],
    [['fault', 'sing'], /./],
  ];
  for (const [args, why] of refusals) {
    const { code, stderr } = await of(...args);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^error BROKER_(USAGE|FAULT_INVALID): /);
    expect(code).toBe(2);
  }
  for (const kind of [
    'drop-connection --of-all',
    'lose-lock --of-entity q',
    'duplicate',
    'delay --on any --for 5ms',
  ]) {
    expect(await of('fault', ...kind.split(' '))).toMatchObject({ code: 0 });
  }
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await expect(stat(join(data, FILE))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a broker in memory is steered from where its data would be', async () => {
  const data = join(await folder(), 'data');
  await startCommand(['--memory', '--virtual-time'], { QUORATE_DATA: data });
  expect(await quorate('advance', '1d', '--data', data)).toMatchObject({ code: 0 });
});
