import { ServiceBusClient, type ServiceBusSessionReceiver } from '@azure/service-bus';
import { expect, it, vi } from 'vitest';
import { SessionLink } from '../../../../src/bridge/session/session-link.ts';
import { canClear, clearerOf, listSessions } from '../../../../src/bridge/session/session-states.ts';

const CONNECTION_STRING = 'Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=a2V5';

interface Management {
  replyTo: string;
  initWithUniqueReplyTo(options: object): Promise<object>;
  _makeManagementRequest(request: object): Promise<unknown>;
}

/** The management client of the SDK that is installed (7.9.5), its requests kept instead of sent. */
function managementOf(client: ServiceBusClient): Management {
  const insides = client as unknown as {
    _connectionContext: { getManagementClient(path: string): Management };
  };
  return insides._connectionContext.getManagementClient('queue');
}

/** As much of a receiver as is used beyond its public interface. */
function receiverOn(client: ServiceBusClient, more: object = {}) {
  const setSessionState = vi.fn(async () => {});
  const receiver = {
    entityPath: 'queue',
    sessionId: 's',
    sessionLockedUntilUtc: new Date(1),
    _messageSession: { name: 'link' },
    _context: Reflect.get(client, '_connectionContext') as unknown,
    setSessionState,
    ...more,
  };
  return { receiver: receiver as unknown as ServiceBusSessionReceiver, setSessionState };
}

it('knows the insides of the SDK that is installed, and sends a null under the name of the link', async () => {
  const client = new ServiceBusClient(CONNECTION_STRING);
  const management = managementOf(client);
  expect(canClear(management)).toBe(true);
  const sent = vi.spyOn(management, '_makeManagementRequest').mockResolvedValue(undefined);
  vi.spyOn(management, 'initWithUniqueReplyTo').mockImplementation(async (options) => options);
  const { receiver, setSessionState } = receiverOn(client);
  const link = new SessionLink(receiver, () => {});
  expect(await link.writeState(null)).toEqual({ kind: 'done', value: undefined });
  expect(sent).toHaveBeenCalledExactlyOnceWith(
    {
      body: { 'session-id': 's', 'session-state': null },
      reply_to: management.replyTo,
      application_properties: {
        operation: 'com.microsoft:set-session-state',
        'associated-link-name': 'link',
      },
    },
    expect.anything(),
    expect.objectContaining({ requestName: 'setState' }),
  );
  expect(setSessionState).not.toHaveBeenCalled();
  await link.writeState({ a: 1 });
  expect(setSessionState).toHaveBeenCalledOnce();
});

it('leaves other insides alone: the 4 bytes are written, and lists skip what has them', async () => {
  const client = new ServiceBusClient(CONNECTION_STRING);
  for (const more of [{ _context: undefined }, { _messageSession: {} }, { entityPath: 1 }]) {
    const { receiver, setSessionState } = receiverOn(client, more);
    expect(clearerOf(receiver)).toBeUndefined();
    await new SessionLink(receiver, () => {}).writeState(null);
    expect(setSessionState).toHaveBeenCalledExactlyOnceWith(null, expect.anything());
  }
  const ids = Array.from({ length: 40 }, (_, at) => `s${at}`);
  const older = {
    _connectionContext: {
      getManagementClient: () => ({
        listMessageSessions: async () => ids,
        getSessionState: async (id: string) => (id.endsWith('0') ? null : { core: 1 }),
      }),
    },
  } as unknown as ServiceBusClient;
  expect(await listSessions(older, 'queue', { skip: 0, top: 100 })).toEqual({
    ids: ids.filter((id) => !id.endsWith('0')),
    listed: 40,
  });
  // Of what nobody wants no state is read.
  expect(await listSessions(older, 'queue', { skip: 0, top: 100, prefix: 's1' })).toEqual({
    ids: ids.filter((id) => id.startsWith('s1') && !id.endsWith('0')),
    listed: 40,
  });
});
