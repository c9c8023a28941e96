import type { ServiceBusSender } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import { ConnectionWatch } from '../../../../src/bridge/connection/sockets.ts';
import { createDelivery, type Senders } from '../../../../src/bridge/publish/until-accepted.ts';

function world(duplicateWindowMs = 60_000) {
  const watch = new ConnectionWatch(1);
  const paths: string[] = [];
  let renewals = 0;
  const senders: Senders = {
    get(path) {
      paths.push(path);
      return { sender: {} as ServiceBusSender, watch };
    },
    renew() {
      renewals += 1;
    },
    close: () => Promise.resolve(),
  };
  const toPath = (entity: string): string => `p-${entity}`;
  const closing = new AbortController();
  const { signal } = closing;
  const delivery = createDelivery({
    senders,
    toPath,
    endpoint: 'host:1',
    duplicateWindowMs,
    closing: signal,
  });
  return { close: () => closing.abort(), delivery, watch, paths, renewals: () => renewals };
}

const coded = (code: string): Error => Object.assign(new Error('why'), { code });
const request = <T>(attempt: () => Promise<T>) => ({ entity: 'q', what: 'sending to', attempt });

describe('delivery', () => {
  it('tries again after a lost connection, with the sender of the next one', async () => {
    const { delivery, watch, paths } = world();
    let attempts = 0;
    const value = await delivery.run(
      request(() => {
        attempts += 1;
        if (attempts > 1) return Promise.resolve('accepted');
        setImmediate(() => watch.lost());
        return new Promise<string>(() => {});
      }),
    );
    expect(value).toBe('accepted');
    expect(paths).toEqual(['p-q', 'p-q']);
  });

  it.each(['while an attempt is under way', 'between two attempts'])(
    'does not try again once the bridge is being closed, %s',
    async (when) => {
      const { delivery, close } = world();
      let attempts = 0;
      const failed = delivery.run(
        request(() => {
          attempts += 1;
          if (when.startsWith('while')) close();
          else setImmediate(close);
          return Promise.reject(coded('ServiceCommunicationProblem'));
        }),
      );
      await expect(failed).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
      expect(attempts).toBe(1);
    },
  );

  it('makes an attempt for what is asked for during the close', async () => {
    const { delivery, close } = world();
    close();
    expect(await delivery.run(request(() => Promise.resolve('accepted')))).toBe('accepted');
  });

  it('does not try again what was refused', async () => {
    const { delivery, renewals } = world();
    let attempts = 0;
    const refused = delivery.run(
      request(() => {
        attempts += 1;
        return Promise.reject(coded('QuotaExceeded'));
      }),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: 'sending to q at host:1 failed: why',
    });
    expect(attempts).toBe(1);
    expect(renewals()).toBe(0);
  });

  it('gives up at half of the duplicate window, and asks for a new connection', async () => {
    const { delivery, renewals } = world(500);
    let attempts = 0;
    const failing = delivery.run(
      request(() => {
        attempts += 1;
        return Promise.reject(coded('GeneralError'));
      }),
    );
    await expect(failing).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    expect(attempts).toBeGreaterThan(1);
    expect(renewals()).toBe(1);
  });
});
