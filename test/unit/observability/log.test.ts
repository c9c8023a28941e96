import { describe, expect, it } from 'vitest';
import { createLogger, logLevel } from '../../../src/observability/log.ts';

const CANARY = 'canary-9f3b';

async function logged(
  level: 'debug' | 'info',
  pretty: boolean,
  log: (logger: Awaited<ReturnType<typeof createLogger>>) => void,
) {
  const lines: string[] = [];
  log(await createLogger({ level, pretty, stream: { write: (line) => void lines.push(line) } }));
  return lines;
}

describe.each([
  ['JSON', false],
  ['pretty', true],
])('a %s log', (_name, pretty) => {
  it('shows message, level and the ids it is given', async () => {
    const [line] = await logged('info', pretty, (logger) =>
      logger.info('committed', { actor: 'review/1', turn: 7, trace: '0af7651916cd43dd8448eb211c80319c' }),
    );
    expect(line).toMatch(/info/i);
    for (const part of ['committed', 'review/1', '7', '0af7651916cd43dd8448eb211c80319c'])
      expect(line).toContain(part);
    expect(line?.trimEnd().split('\n')).toHaveLength(1);
  });

  it('has no way in for bodies, prompts, keys and connection strings', async () => {
    const connectionString = `Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=${CANARY}=;EntityPath=q`;
    const lines = await logged('debug', pretty, (logger) => {
      logger.debug('m', {
        body: CANARY,
        prompt: CANARY,
        key: CANARY,
        input: { text: CANARY },
        list: [CANARY],
      });
      logger.info(`connecting to ${connectionString}`, {
        endpoint: connectionString,
        error: new Error(CANARY),
      });
      logger.warn(`Bearer ${CANARY} refused, eyJhb.eyJ${CANARY}.x`, {
        reason: `SharedAccessSignature sr=x&sig=${CANARY}&se=1`,
      });
      logger.error(`https://user:${CANARY}@host/ and sk-${CANARY}0000`, { url: `http://u:${CANARY}@h/` });
    });
    expect(lines).toHaveLength(4);
    expect(lines.join('')).not.toContain(CANARY);
  });

  it('leaves out what is below its level', async () => {
    expect(await logged('info', pretty, (logger) => logger.debug('x'))).toEqual([]);
  });
});

it('keeps counts under any name', async () => {
  const [line] = await logged('info', false, (logger) => logger.info('x', { committed: 3, late: true }));
  expect(JSON.parse(line ?? '')).toMatchObject({ level: 'info', committed: 3, late: true });
});

describe('logLevel', () => {
  it('is QUORATE_LOG, or the fallback when that is none', () => {
    expect(logLevel('debug', 'warn')).toBe('debug');
    expect(logLevel('loud', 'warn')).toBe('warn');
    expect(logLevel(undefined, 'info')).toBe('info');
  });
});
