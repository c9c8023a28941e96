import { ServiceBusClient } from '@azure/service-bus';
import { expect, it, vi } from 'vitest';
import { putTokensOnce } from '../../../../src/bridge/connection/token-cache.ts';

const CONNECTION_STRING = 'Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=a2V5';
const QUEUE = 'sb://localhost/queue';
const OTHER = 'sb://localhost/other';

interface Insides {
  _connectionContext: {
    cbsSession: {
      init(): Promise<unknown>;
      negotiateClaim(audience: string, token: string, type: string): Promise<unknown>;
    };
    tokenCredential: { getToken(audience: string): Promise<{ readonly token: string }> };
  };
}

function setUp() {
  const client = new ServiceBusClient(CONNECTION_STRING);
  // The SDK keeps them to itself.
  const { cbsSession: cbs, tokenCredential: signer } = (client as unknown as Insides)._connectionContext;
  const put = vi.spyOn(cbs, 'negotiateClaim').mockImplementation(async (audience) => `put ${audience}`);
  vi.spyOn(cbs, 'init').mockResolvedValue(undefined);
  const sign = vi.spyOn(signer, 'getToken');
  const clock = { now: 1_000_000 };
  expect(putTokensOnce(client, () => clock.now)).toBe(true);
  return { cbs, signer, put, sign, clock };
}

it('knows the insides of the SDK that is installed, and leaves others alone', () => {
  expect(putTokensOnce(new ServiceBusClient(CONNECTION_STRING))).toBe(true);
  expect(putTokensOnce({} as ServiceBusClient)).toBe(false);
  expect(putTokensOnce({ _connectionContext: { cbsSession: {} } } as unknown as ServiceBusClient)).toBe(
    false,
  );
});

it('puts a token once for each entity, and the next one when there is one', async () => {
  const { cbs, put } = setUp();
  for (const audience of [QUEUE, OTHER, QUEUE, OTHER])
    expect(await cbs.negotiateClaim(audience, 'a', 'jwt')).toBe(`put ${audience}`);
  expect(put.mock.calls).toEqual([
    [QUEUE, 'a', 'jwt'],
    [OTHER, 'a', 'jwt'],
  ]);
  await cbs.negotiateClaim(QUEUE, 'b', 'jwt');
  expect(put).toHaveBeenCalledTimes(3);
});

it('puts it again after a refusal, and on a new connection', async () => {
  const { cbs, put } = setUp();
  put.mockRejectedValueOnce(new Error('refused'));
  await expect(cbs.negotiateClaim(QUEUE, 'a', 'jwt')).rejects.toThrow('refused');
  await cbs.negotiateClaim(QUEUE, 'a', 'jwt');
  expect(put).toHaveBeenCalledTimes(2);
  await cbs.init();
  await cbs.negotiateClaim(QUEUE, 'a', 'jwt');
  expect(put).toHaveBeenCalledTimes(3);
});

it('signs one token a minute for each entity', async () => {
  const { signer, sign, clock } = setUp();
  const first = await signer.getToken(QUEUE);
  expect(first.token).toContain('skn=n');
  clock.now += 59_999;
  expect(await signer.getToken(QUEUE)).toBe(first);
  expect(await signer.getToken(OTHER)).not.toBe(first);
  expect(sign).toHaveBeenCalledTimes(2);
  clock.now += 1;
  await signer.getToken(QUEUE);
  expect(sign).toHaveBeenCalledTimes(3);
  // A clock that is set back.
  clock.now -= 3_600_000;
  await signer.getToken(QUEUE);
  expect(sign).toHaveBeenCalledTimes(4);
});
