// Logs: one line a record on standard error, pretty on a terminal, JSON otherwise. What may appear is an allow-list:
// ids, counts and codes. Bodies, prompts, keys and connection strings have no way in.
import { trace } from '@opentelemetry/api';
import { type DestinationStream, pino } from 'pino';
import { hintOf, loadPretty } from '../common/optional-packages.ts';
import type { Logger } from '../contract/ports.ts';
import { redact } from './redaction.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const MAX_TEXT_LENGTH = 300;

/** Fields whose text is shown. Numbers and booleans pass under any name; other text is left out. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  'actor',
  'address',
  'agent',
  'audit',
  'by',
  'code',
  'endpoint',
  'entity',
  'error',
  'execution',
  'file',
  'incarnation',
  'kind',
  'messageId',
  'mode',
  'name',
  'namespace',
  'numbers',
  'outcome',
  'path',
  'phase',
  'reason',
  'sessionId',
  'signal',
  'status',
  'step',
  'subject',
  'task',
  'trace',
  'type',
  'url',
  'version',
  'why',
]);

export interface LogOptions {
  readonly level: LogLevel;
  /** Default: pretty when standard error is a terminal. */
  readonly pretty?: boolean;
  readonly color?: boolean;
  /** Synchronous, so that what was logged before an exit is there. */
  readonly stream: DestinationStream;
}

export async function createLogger(options: LogOptions): Promise<Logger> {
  const log = pino(
    {
      level: options.level,
      formatters: { level: (label) => ({ level: label }) },
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: traceFields,
    },
    await createStream(options),
  );
  const write = (level: 'debug' | 'info' | 'warn' | 'error'): Logger['info'] => {
    return (message, fields = {}) => log[level](allowedFields(fields), shown(message));
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** `QUORATE_LOG`, or the level that fits the command. */
export function logLevel(value: string | undefined, fallback: LogLevel): LogLevel {
  return LOG_LEVELS.find((level) => level === value) ?? fallback;
}

/** Pretty without pino's worker thread: it would print after the process has said its last word. */
async function createStream({ stream, color, ...options }: LogOptions): Promise<DestinationStream> {
  if (!(options.pretty ?? process.stderr.isTTY)) return stream;
  const pretty = await loadPretty().catch(hintOf);
  if (typeof pretty === 'string') return withHint(stream, pretty);
  const format = pretty.prettyFactory({
    colorize: color ?? false,
    translateTime: 'HH:MM:ss',
    singleLine: true,
    ignore: 'pid,hostname',
  });
  return { write: (line) => stream.write(format(JSON.parse(line))) };
}

/** JSON lines, and before the first of them one that says what would make them pretty. */
function withHint(stream: DestinationStream, hint: string): DestinationStream {
  let said = false;
  return {
    write(line) {
      if (!said)
        stream.write(`${JSON.stringify({ level: 'info', time: new Date().toISOString(), msg: hint })}\n`);
      said = true;
      stream.write(line);
    },
  };
}

function traceFields(): Record<string, unknown> {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace: span.traceId };
}

function allowedFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const allowed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number' || typeof value === 'boolean') allowed[name] = value;
    else if (typeof value === 'string' && TEXT_FIELDS.has(name)) allowed[name] = shown(value);
  }
  return allowed;
}

function shown(text: string): string {
  const clean = redact(text);
  return clean.length > MAX_TEXT_LENGTH ? `${clean.slice(0, MAX_TEXT_LENGTH)}…` : clean;
}
