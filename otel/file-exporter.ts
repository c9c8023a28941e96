// OTLP JSON lines: one ExportTraceServiceRequest a line, which Jaeger's "Upload" opens as it is.
import { type FileHandle, open } from 'node:fs/promises';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

const SUCCESS = 0;
const FAILED = 1;
const NEWLINE = Buffer.from('\n');

/** Quorate's command line says it as its own CONFIG_INVALID. */
class TraceFileError extends Error {
  override readonly name = 'TraceFileError';
  readonly code = 'TRACE_FILE_UNWRITABLE';
}

/** Appends, so that the processes of one review, and a process started again, can share a file. */
export async function createFileExporter(path: string): Promise<SpanExporter> {
  const file = await open(path, 'a').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TraceFileError(`the trace file cannot be written: ${reason}`, { cause });
  });
  let tail: Promise<void> = Promise.resolve();
  return {
    export(spans, done) {
      const json = JsonTraceSerializer.serializeRequest(spans);
      if (json === undefined) {
        done({ code: FAILED, error: new Error('the spans could not be serialized') });
        return;
      }
      const line = Buffer.concat([json, NEWLINE]);
      const before = tail;
      const append = async (): Promise<void> => {
        await before;
        const error = await writeLine(file, line);
        done(error === undefined ? { code: SUCCESS } : { code: FAILED, error });
      };
      tail = append();
    },
    forceFlush: () => tail,
    async shutdown() {
      await tail;
      await file.close();
    },
  };
}

/** One write a line, so that lines of several processes do not mix. */
async function writeLine(file: FileHandle, line: Buffer): Promise<Error | undefined> {
  try {
    const { bytesWritten } = await file.write(line);
    const whole = bytesWritten === line.length;
    return whole ? undefined : new Error(`${bytesWritten} of ${line.length} bytes were written`);
  } catch (failure) {
    return failure instanceof Error ? failure : new Error(String(failure));
  }
}
