/**
 * How clients say who they are before they open: with PLAIN by the name and key of an access rule
 * (learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide), with the others by tokens to `$cbs` later.
 */
import type { Authority } from '../access/authority.ts';
import type { Connection, Container } from './rhea.ts';

/** What rhea's server asks of a mechanism: after `start` it knows its outcome. */
interface Mechanism {
  outcome: boolean | undefined;
  start(response: Buffer | null | undefined): void;
}

export interface KeyHolder {
  readonly keyName: string;
  readonly key: string;
}

export function offerMechanisms(container: Container, authority: Authority): void {
  const offered = container.sasl_server_mechanisms as unknown as Record<string, () => Mechanism>;
  const anonymous = () => new Anonymous();
  // uAMQP and .NET ask for this one.
  offered['MSSBCBS'] = anonymous;
  offered['PLAIN'] = () => new PlainKey(authority);
  offered['ANONYMOUS'] = anonymous;
}

/** The holder of a key, proved by PLAIN. */
export function keyHolderOf(connection: Connection): KeyHolder | undefined {
  const { sasl_transport: sasl } = connection as unknown as {
    sasl_transport?: { transports?: { 3?: { mechanism?: unknown } } };
  };
  const mechanism = sasl?.transports?.[3]?.mechanism;
  return mechanism instanceof PlainKey ? mechanism.holder : undefined;
}

class Anonymous implements Mechanism {
  outcome: boolean | undefined;

  start(): void {
    this.outcome = true;
  }
}

class PlainKey implements Mechanism {
  readonly #authority: Authority;
  outcome: boolean | undefined;
  holder: KeyHolder | undefined;

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  /** `authorization NUL name NUL key`, the first mostly empty (RFC 4616). */
  start(response: Buffer | null | undefined): void {
    const [, keyName, key, more] = response?.toString('utf8').split('\0') ?? [];
    this.outcome = !!keyName && !!key && more === undefined && this.#authority.mayHold(keyName, key);
    if (this.outcome && keyName && key) this.holder = { keyName, key };
  }
}
