// An error that nobody caught and in which no code but the Azure SDK's took part: it fails in timers and listeners of links
// that are lost anyway, and the host has others (docs/decisions/0066). Known places are guarded in the bridge.
import type { Logger } from '../../contract/ports.ts';

const FRAME = /^\s+at /;
const SDK = /[\\/]node_modules[\\/](?:@azure[\\/](?:core-amqp|service-bus)|rhea|rhea-promise)[\\/]/;
/** Takes no side: Node's own code, and what compiled `await` runs through. */
const NEUTRAL = /\(?node:|<anonymous>|\(native\)|[\\/]node_modules[\\/]tslib[\\/]/;

/** All frames are the SDK's. One of anybody else, or no frame at all, is somebody's bug. */
export function isSdkFault(error: unknown): error is Error {
  if (!(error instanceof Error) || error.stack === undefined) return false;
  const frames = error.stack.split('\n').filter((line) => FRAME.test(line));
  const theirs = frames.filter((frame) => SDK.test(frame));
  return theirs.length > 0 && frames.every((frame) => SDK.test(frame) || NEUTRAL.test(frame));
}

const SAID = 'the Azure SDK failed where nobody could catch it; the host keeps running';

/** For a host's lifecycle: such an error is said and survived. */
export function survivesSdkFaults(logger: () => Pick<Logger, 'error'> | undefined) {
  return (error: unknown): boolean => {
    if (!isSdkFault(error)) return false;
    const log = logger();
    if (log === undefined) process.stderr.write(`${SAID}\n${error.stack}\n`);
    else log.error(SAID, { error: error.stack });
    return true;
  };
}
