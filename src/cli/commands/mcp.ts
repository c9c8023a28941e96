// `quorate mcp`: the machines of a configuration as tools of the Model Context Protocol, over stdio or over HTTP. It is a client of the
// application, which runs elsewhere; with --start it runs the application as well.
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { readVersion } from '../../common/version.ts';
import { loadConfig, resolveConfig } from '../../config/resolve.ts';
import type { QuorateClient } from '../../contract/client.ts';
import type { QuorateConfig } from '../../contract/config.ts';
import type { MachineDescription } from '../../contract/worker.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { createLifecycle } from '../shared/lifecycle.ts';
import { dataOption, toPort, verboseOption, withFlags } from '../shared/options.ts';
import { DEFAULT_CONFIG } from './start.ts';

interface McpOptions {
  readonly config: string;
  readonly data?: string;
  readonly http?: number;
  readonly start?: true;
}

export function addMcpCommand(program: Command, finish: Finish): void {
  const command = program
    .command('mcp')
    .description('Serve the machines of your configuration as MCP tools, over stdio.')
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .option(
      '--http <port>',
      'serve http://127.0.0.1:<port>/mcp instead; 0 = any free one (default: off)',
      toPort,
    )
    .option('--start', 'run the application in this process too (default: off)')
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate mcp --help',
  }).action(async (options: McpOptions) => finish(await serve(options)));
}

interface Application {
  readonly client: QuorateClient;
  readonly machines: Iterable<MachineDescription>;
  close(): Promise<void>;
}

async function serve(options: McpOptions): Promise<ExitCode> {
  const lifecycle = createLifecycle();
  // Modules of users may print, and not only they: from here on stdout is the protocol's alone.
  const output = options.http === undefined ? takeStdout() : undefined;
  const config = await loadConfig(options.config);
  const env = withFlags(process.env, options.data === undefined ? {} : { data: options.data });
  const application = await (options.start ? host(config, env) : join(config, env));
  try {
    const { servedOf } = await import('../../mcp/serve/machines.ts');
    const { createTools } = await import('../../mcp/serve/tools.ts');
    const { createFace } = await import('../../mcp/serve/sdk-server.ts');
    const machines = servedOf(application.machines, Object.keys(config.machines));
    const face = await createFace(createTools(machines, application.client), readVersion());
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const serving =
      output !== undefined
        ? face.stdio(output, resolve)
        : await import('../../mcp/serve/http-server.ts').then(({ listen }) =>
            listen(face.http(), options.http ?? 0),
          );
    if ('url' in serving) process.stdout.write(`mcp        ${String(serving.url)}\n`);
    const cause = await Promise.race([lifecycle.stopped, gone]);
    await serving.close();
    if (cause?.kind === 'crash') throw cause.error;
    return EXIT.done;
  } finally {
    await application.close();
  }
}

/** What was going to stdout goes to stderr; what is written to the stream that it gives goes to stdout. */
function takeStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout) as (chunk: Buffer, done: () => void) => boolean;
  stdout.write = stderr.write.bind(stderr);
  // Nobody reads it any more: the end of stdin says so too.
  stdout.on('error', () => {});
  return new Writable({ write: (chunk: Buffer, _, done) => void write(chunk, () => done()) });
}

type Variables = ReturnType<typeof withFlags>;

/** The application runs elsewhere; here its modules are only looked at. */
async function join(config: QuorateConfig, env: Variables): Promise<Application> {
  const resolved = resolveConfig(config, env);
  const { createWorkerPool } = await import('../../actors/pool/pool.ts');
  const { registerMachines } = await import('../../runtime/registration.ts');
  const { connect } = await import('../../client/connect.ts');
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: resolved.turnTimeoutMs });
  const described = registerMachines(resolved, pool);
  await described.catch(() => {});
  await pool.close();
  const { machines } = await described;
  const { namespace, connectionString, prefix, data, broker, ...rest } = resolved;
  const { payloadContainer, payloadConnectionString, payloadCompression, payloadCodecs } = rest;
  const client = await connect({
    ...defined({ namespace, connectionString, broker, payloadContainer, payloadConnectionString }),
    prefix,
    data,
    payloadCompression,
    payloadCodecs,
    env,
  });
  return { client, machines: machines.values(), close: () => client.close() };
}

async function host(config: QuorateConfig, env: Variables): Promise<Application> {
  const { createRuntime } = await import('../../runtime/runtime.ts');
  const { createLogger, logLevel } = await import('../../observability/log.ts');
  const stream = { write: (line: string) => void process.stderr.write(line) };
  const logger = await createLogger({ level: logLevel(env['QUORATE_LOG'], 'warn'), color: false, stream });
  const runtime = await createRuntime(config, { env, logger });
  const { client, info } = runtime;
  return { client, machines: info.machines as Iterable<MachineDescription>, close: () => runtime.stop() };
}

function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}
