// A process that ends without closing the server that it has: over a starter, and stopped.
import process from 'node:process';
import { callTool } from '../../../src/mcp/call.ts';
import { ownServer } from './servers.ts';

const { structured } = await callTool(ownServer('exiting', 'start', 'serve'), { tool: 'seen' });
process.kill(structured.pid, 'SIGSTOP');
process.stdout.write(String(structured.pid), () => process.exit(0));
