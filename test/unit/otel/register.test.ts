// What a process with telemetry does, seen from outside: SDK state is global, so each case is a process of its own.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FlatSpan, parseTraceLines, readTraceFile } from '../../../otel/otlp.ts';

const run = promisify(execFile);
const otel = (file: string): string => new URL(`../../../otel/${file}`, import.meta.url).href;
const contract = new URL('../../../src/observability/telemetry.ts', import.meta.url).href;
const CLEAN_ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS'),
);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-otel-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function script(
  body: string,
  options: { env?: Record<string, string>; args?: readonly string[] } = {},
) {
  const code = `
    import { startTelemetry } from ${JSON.stringify(otel('register.ts'))};
    import { inSpan, recordSpan, deriveSpanContext, formatTraceparent } from ${JSON.stringify(contract)};
    const folder = ${JSON.stringify(folder)};
    ${body}`;
  const args = [...(options.args ?? []), '--input-type=module-typescript', '--eval', code];
  return run(process.execPath, args, { env: { ...CLEAN_ENV, ...options.env }, cwd: folder });
}

/** An OTLP/HTTP receiver. */
async function receive() {
  const spans: FlatSpan[] = [];
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      spans.push(...parseTraceLines(Buffer.concat(chunks).toString()));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { spans, seen, endpoint: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

it('exports by OTLP/HTTP JSON to the endpoint of the environment', async () => {
  const receiver = await receive();
  try {
    await script(
      `const telemetry = await startTelemetry();
       const own = deriveSpanContext('a');
       inSpan('one', { parent: own }, () => undefined);
       recordSpan({ name: 'actor review', spanContext: own, startTime: 1000, endTime: Date.now() });
       await telemetry.shutdown();`,
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/` } },
    );
  } finally {
    receiver.close();
  }
  expect(receiver.seen.map(({ url, headers }) => [url, headers['content-type']])).toEqual([
    ['/v1/traces', 'application/json'],
  ]);
  expect(receiver.spans.map(({ name, service }) => [name, service])).toEqual([
    ['one', 'quorate'],
    ['actor review', 'quorate'],
  ]);
  const [one, actor] = receiver.spans;
  expect(one?.parentSpanId).toBe(actor?.spanId);
});

it('lets OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win', async () => {
  const body = `const telemetry = await startTelemetry({ traceFile: 'trace.jsonl', serviceName: 'host' });
    inSpan('one', {}, () => undefined);
    await telemetry.shutdown();`;
  await script(body);
  await script(body, { env: { OTEL_SERVICE_NAME: 'mine' } });
  await script(body, { env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=theirs' } });
  const spans = await readTraceFile(join(folder, 'trace.jsonl'));
  expect(spans.map(({ service }) => service)).toEqual(['host', 'mine', 'theirs']);
});

it('writes one OTLP request a line, and keeps 1,024 links', async () => {
  await script(`
    const telemetry = await startTelemetry({ traceFile: 'trace.jsonl' });
    const links = Array.from({ length: 1024 }, (_, n) => formatTraceparent(deriveSpanContext('reply' + n)));
    inSpan('gather x', { links }, () => undefined);
    await telemetry.shutdown();`);
  const text = await readFile(join(folder, 'trace.jsonl'), 'utf8');
  expect(text.endsWith('}\n')).toBe(true);
  // Command lines and paths of the machine stay here.
  expect(text).not.toContain('process.command');
  const [span] = parseTraceLines(text);
  expect(span?.links).toHaveLength(1_024);
  expect(span?.dropped).toBe(0);
});

it('starts once a process, and again only after a failure', async () => {
  const { stdout } = await script(`
    const failed = await startTelemetry({ traceFile: folder }).catch((error) => error.code);
    const one = startTelemetry({ traceFile: 'trace.jsonl' });
    console.log(failed, one === startTelemetry());
    await (await one).shutdown();`);
  expect(stdout.trim()).toBe('TRACE_FILE_UNWRITABLE true');
});

it('costs one warning and a closing line when nobody listens, and no call fails', async () => {
  const { stdout, stderr } = await script(
    `const telemetry = await startTelemetry({ endpoint: 'http://127.0.0.1:1' });
     for (let n = 0; n < 3; n += 1) inSpan('turn', {}, () => undefined);
     await telemetry.shutdown();
     console.log('served');
     process.exit(0);`,
    { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '300' } },
  );
  expect(stdout).toBe('served\n');
  const lines = stderr.trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^telemetry: 3 spans lost so far, http:\/\/127\.0\.0\.1:1\/v1\/traces does not take them: .*ECONNREFUSED/,
  );
  expect(lines[1]).toBe('telemetry: 3 of 3 spans did not reach http://127.0.0.1:1/v1/traces');
});

it('is set up by --import alone, in the main thread only', async () => {
  const receiver = await receive();
  try {
    await script(
      `import { Worker } from 'node:worker_threads';
       const inWorker = new Worker(
         new URL("data:text/javascript,import { parentPort } from 'node:worker_threads'; parentPort.postMessage(globalThis[Symbol.for('quorate.telemetry')] !== undefined)"),
       );
       inWorker.on('message', (loaded) => inSpan('in worker: ' + loaded, {}, () => undefined));`,
      { args: ['--import', otel('auto.ts')], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint } },
    );
  } finally {
    receiver.close();
  }
  expect(receiver.spans.map(({ name }) => name)).toEqual(['in worker: false']);
});

const SRC = new URL('../../../src/', import.meta.url);

it('is named by no file of src, which knows the API alone', async () => {
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts'));
  expect(files).toContain('observability/telemetry.ts');
  const naming = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, SRC), 'utf8');
      return /['"]@opentelemetry\/(?!api['"])/.test(text) ? [file] : [];
    }),
  );
  expect(naming.flat()).toEqual([]);
});

it('is not loaded by what embeds Quorate', async () => {
  const entries = ['index.ts', 'observability/telemetry.ts', 'inspector/server.ts'].map(
    (file) => new URL(file, SRC),
  );
  const present = entries.filter((url) => existsSync(url)).map((url) => url.href);
  const { stdout } = await run(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { registerHooks } from 'node:module';
       registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
       for (const url of ${JSON.stringify(present)}) await import(url);`,
    ],
    { env: CLEAN_ENV },
  );
  const loaded = stdout.split('\n');
  expect(loaded).toEqual(expect.arrayContaining(present));
  expect(loaded.filter((url) => /@opentelemetry\/(?!api\/)/.test(url))).toEqual([]);
});
