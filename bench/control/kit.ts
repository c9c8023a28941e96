// What the parts of this bench share: the model in a process of its own, and hosts in processes of theirs on one folder.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Account, ModelProgramOptions } from '../../test/kit/model/program.ts';
import type { Call } from '../../test/kit/model/server.ts';
import { startHost } from '../host-process.ts';

/** Longer than a task takes from the queue to the model. */
const QUIET_MS = 400;

export interface Model extends AsyncDisposable {
  readonly url: string;
  /** What runs, and the calls that have ended since the last time. */
  readonly account: () => Promise<Account>;
}

export async function startModel(options: ModelProgramOptions = {}): Promise<Model> {
  const program = fileURLToPath(new URL('../../test/kit/model/program.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(options)]);
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    account: async () => {
      const told = once(child, 'message');
      child.send('account');
      const [account] = (await told) as [Account];
      return account;
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** Until at least so many calls have ended, and nothing has happened for a while. */
export async function untilQuiet(model: Model, least: number): Promise<readonly Call[]> {
  const calls: Call[] = [];
  for (;;) {
    await sleep(QUIET_MS);
    const { running, ended } = await model.account();
    calls.push(...ended);
    if (running === 0 && ended.length === 0 && calls.length >= least) return calls;
  }
}

/** A program of the machine `fan`. `rest` is what its configuration has beside roles and machines, as text. */
export async function startApplication(
  folder: string,
  { name, roles, rest, limitMs }: { name: string; roles: readonly string[]; rest: string; limitMs: number },
): Promise<ReturnType<typeof startHost>> {
  const machine = new URL('fan.machine.js', import.meta.url).href;
  const path = join(folder, `${name}.config.js`);
  const config = `export default {
    roles: ${JSON.stringify(roles)},
    machines: { fan: { module: new URL('${machine}'), export: 'fan', version: '1' } },
    ${rest}
  };\n`;
  await writeFile(path, config);
  const args = ['start', '--config', path, '--port', '0', '--data', join(folder, 'data')];
  const host = startHost(args, { cwd: folder, limitMs });
  await host.says(/^ready .*\n/m);
  return host;
}

/** The text of an agent that works at the model for as many ms as its item says. */
export function modelCall(url: string): string {
  return `async ({ item }, { signal }) => {
    const response = await fetch('${url}/?ms=' + item, { method: 'POST', signal });
    if (!response.ok) throw response;
    return response.json();
  }`;
}
