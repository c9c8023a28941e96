// Failures with a code: what a person sees in one line, and what the runtime may not try again.

export type FailureCode =
  | 'FOLDER_EMPTY'
  | 'FOLDER_UNREADABLE'
  | 'INPUT_INVALID'
  | 'FINDINGS_LOST'
  | 'OUTPUT_BLOCKED'
  | 'DELIVERY_CLOSED'
  | 'DELIVERY_UNVERIFIED'
  | 'FAILED_ON_REQUEST'
  | 'MODEL_REPLY_INVALID';

/** Transient by nature; everything else fails the same way again. */
const RETRYABLE: ReadonlySet<FailureCode> = new Set(['MODEL_REPLY_INVALID']);

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly retryable: boolean;

  constructor(code: FailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

export function errorCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
