// Warnings about telemetry, at most one a minute for each kind: telemetry must never drown what it watches.

/** Kinds are throttled apart, so that a full queue is still seen while the endpoint is down. */
export type WarningKind = 'export' | 'queue' | 'sdk';

export type Warn = (kind: WarningKind, message: string) => void;

export const WARNING_INTERVAL_MS = 60_000;

export function createThrottledWarn(write: (line: string) => void, now: () => number = Date.now): Warn {
  const last = new Map<WarningKind, { at: number; held: number }>();
  return (kind, message) => {
    const seen = last.get(kind);
    if (seen !== undefined && now() - seen.at < WARNING_INTERVAL_MS) {
      seen.held += 1;
      return;
    }
    const held = seen === undefined || seen.held === 0 ? '' : ` (${seen.held} such warnings held back)`;
    last.set(kind, { at: now(), held: 0 });
    write(`telemetry: ${message}${held}`);
  };
}
