// A small MCP server over stdio, by hand: tools that hang, die, report, lie. With a program as its arguments it is a starter as `npx`
// is: it starts that one with its own pipes and waits.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'start') {
  spawn(process.execPath, [process.argv[1], ...rest], { stdio: 'inherit' });
  setInterval(() => {}, 1_000_000);
} else if (mode === 'broken') {
  process.stderr.write('no licence for this machine\n');
  process.exitCode = 3;
} else {
  serve();
}

function serve() {
  const seen = { calls: {}, cancelled: 0, pid: process.pid, env: Object.keys(process.env) };
  const object = { type: 'object' };
  const reading = { readOnlyHint: true };
  const once = { idempotentHint: false };
  const tools = {
    echo: [reading, ({ arguments: args, _meta }) => text(JSON.stringify({ args, _meta: without(_meta) }))],
    seen: [reading, () => ({ ...text('seen'), structuredContent: seen })],
    progress: [reading, report],
    change: [
      reading,
      () => {
        send({ method: 'notifications/tools/list_changed' });
        return text('changed');
      },
    ],
    hang: [reading, () => new Promise(() => {})],
    fail: [reading, () => ({ ...text('the disk is full'), isError: true })],
    big: [reading, ({ arguments: { bytes } }) => text('x'.repeat(bytes))],
    lie: [
      reading,
      () => ({ ...text('two'), structuredContent: { sum: 'two' } }),
      { type: 'object', properties: { sum: { type: 'number' } } },
    ],
    'die-reading': [reading, die],
    'die-unsaid': [undefined, die],
    'die-once': [once, die],
  };

  async function report({ arguments: { steps, everyMs }, _meta }) {
    for (let step = 1; step <= steps; step += 1) {
      await sleep(everyMs);
      const params = {
        progressToken: _meta?.progressToken,
        progress: step,
        total: steps,
        message: `step ${step}`,
      };
      if (_meta?.progressToken !== undefined) send({ method: 'notifications/progress', params });
    }
    return text('reported');
  }

  async function answer({ method, params }) {
    if (method === 'initialize') {
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'kit', version: '1' },
      };
    }
    if (method === 'ping') return {};
    if (method === 'tools/list') return { tools: Object.entries(tools).map(describe) };
    const [, run] = tools[params.name];
    seen.calls[params.name] = (seen.calls[params.name] ?? 0) + 1;
    return run(params);
  }

  const describe = ([name, [annotations, , outputSchema]]) => ({
    name,
    inputSchema: object,
    annotations,
    outputSchema,
  });
  let read = '';
  process.stdin.on('data', (chunk) => {
    read += chunk;
    const lines = read.split('\n');
    read = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.method === 'notifications/cancelled') seen.cancelled += 1;
      if (message.id !== undefined) void answer(message).then((result) => send({ id: message.id, result }));
    }
  });
  process.stdin.on('end', () => process.exit(0));
}

function die() {
  process.exit(1);
}

function text(given) {
  return { content: [{ type: 'text', text: given }] };
}

function without(meta = {}) {
  return Object.fromEntries(Object.entries(meta).filter(([name]) => name !== 'progressToken'));
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}
