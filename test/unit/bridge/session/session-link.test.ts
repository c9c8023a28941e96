import { ServiceBusError, type ServiceBusSessionReceiver } from '@azure/service-bus';
import { expect, it, vi } from 'vitest';
import { SessionLink } from '../../../../src/bridge/session/session-link.ts';

/** As much of the SDK's receiver as a link needs before it receives. */
function receiver(subscribe: () => void): ServiceBusSessionReceiver {
  const accepted = { sessionId: 's', sessionLockedUntilUtc: new Date(1), subscribe };
  return accepted as unknown as ServiceBusSessionReceiver;
}

it('fails, and throws nothing, when the lock was lost before it receives', () => {
  const failed = vi.fn();
  const lost = new ServiceBusError(
    'The session lock has expired on the session with id s',
    'SessionLockLost',
  );
  const link = new SessionLink(
    receiver(() => {
      throw lost;
    }),
    failed,
  );
  link.subscribe(1, () => {});
  expect(failed).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('SessionLockLost'));
});
