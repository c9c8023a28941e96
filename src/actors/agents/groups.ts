// Handles messages in groups: those that come while one group is worked on make up the next. One send serves a whole group,
// and it is settled in one tick, so that the broker writes it down at once.
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';

interface Waiting {
  readonly message: InboundMessage;
  readonly resolve: (disposition: Disposition) => void;
  readonly reject: (reason: unknown) => void;
}

/** `work` answers in the order of its messages; when it rejects, so does each of them. */
export function inGroups(
  work: (messages: readonly InboundMessage[]) => Promise<readonly Disposition[]>,
): (message: InboundMessage) => Promise<Disposition> {
  let waiting: Waiting[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    // One turn of the event loop, so that what came in one packet shares the first group.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        const dispositions = await work(group.map(({ message }) => message));
        group.forEach(({ resolve, reject }, at) => {
          const disposition = dispositions[at];
          if (disposition === undefined) reject(new Error('a message of the group was not answered'));
          else resolve(disposition);
        });
      } catch (thrown) {
        for (const { reject } of group) reject(thrown);
      }
    }
    running = false;
  };

  return (message) => {
    const { promise, resolve, reject } = Promise.withResolvers<Disposition>();
    waiting.push({ message, resolve, reject });
    if (!running) void run();
    return promise;
  };
}
