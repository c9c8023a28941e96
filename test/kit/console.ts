// A console over the data of a test's runtime, with a token for each role.
import { type Console, startConsole } from '../../src/console/console.ts';
import { type Logger, SILENT } from '../../src/contract/ports.ts';

export const TOKENS = { reader: 'r'.repeat(16), operator: 'o'.repeat(16), admin: 'a'.repeat(16) };

export function serveConsole(
  data: string,
  { basePath, logger = SILENT, entra = false }: { basePath: string; logger?: Logger; entra?: boolean },
): Promise<Console> {
  const tokens = Object.entries(TOKENS)
    .map((pair) => pair.join('='))
    .join(',');
  const connect = { data, env: {} };
  return startConsole({
    connect,
    logger,
    types: ['counter'],
    port: 0,
    host: '127.0.0.1',
    basePath,
    tokens,
    entra,
  });
}
