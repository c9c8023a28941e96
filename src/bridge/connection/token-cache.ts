// The SDK signs a token and puts it to the service for each link that it opens, so for each session that it accepts. A token
// holds for an entity on a connection, whatever links there are (docs/decisions/0049).
import type { ServiceBusClient } from '@azure/service-bus';
import { hasMethods } from './link-guard.ts';

/** What is used of the SDK's CBS client (@azure/core-amqp 4.5.1, src/cbs.ts): one for each connection. */
interface Cbs {
  /** Opens its links, on a connection that may be new. */
  init(options?: object): Promise<unknown>;
  negotiateClaim(audience: string, token: string, ...rest: unknown[]): Promise<unknown>;
}

interface Signer {
  readonly isSasTokenProvider: true;
  getToken(audience: string): Promise<unknown>;
}

interface Insides {
  readonly _connectionContext?: { readonly cbsSession?: unknown; readonly tokenCredential?: unknown };
}

interface Put {
  readonly token: string;
  readonly reply: unknown;
}

/** A signed token is good for an hour, and the SDK puts the next one for an open link after 45 minutes. */
const SIGNED_FOR_MS = 60_000;

/**
 * Before the client has any link. Where its insides are others than expected it stays as it is, which is only slower; so does
 * the CBS client that the SDK makes when it replaces a lost connection.
 */
export function putTokensOnce(client: ServiceBusClient, now: () => number = Date.now): boolean {
  const { cbsSession: cbs, tokenCredential: credential } =
    (client as unknown as Insides)._connectionContext ?? {};
  if (!isCbs(cbs)) return false;
  putOnce(cbs);
  // A credential of Entra ID keeps its tokens by itself.
  if (isSigner(credential)) signOnce(credential, now);
  return true;
}

function putOnce(cbs: Cbs): void {
  const puts = new Map<string, Put>();
  const init = cbs.init.bind(cbs);
  const negotiateClaim = cbs.negotiateClaim.bind(cbs);
  cbs.init = (options) => {
    puts.clear();
    return init(options);
  };
  cbs.negotiateClaim = async (audience, token, ...rest) => {
    const last = puts.get(audience);
    if (last?.token === token) return last.reply;
    const reply = await negotiateClaim(audience, token, ...rest);
    puts.set(audience, { token, reply });
    return reply;
  };
}

function signOnce(signer: Signer, now: () => number): void {
  const signed = new Map<string, { readonly at: number; readonly token: unknown }>();
  const getToken = signer.getToken.bind(signer);
  signer.getToken = async (audience) => {
    const last = signed.get(audience);
    const at = now();
    if (last !== undefined && at >= last.at && at - last.at < SIGNED_FOR_MS) return last.token;
    const token = await getToken(audience);
    signed.set(audience, { at, token });
    return token;
  };
}

function isCbs(value: unknown): value is Cbs {
  return hasMethods(value, 'init', 'negotiateClaim');
}

function isSigner(value: unknown): value is Signer {
  return hasMethods(value, 'getToken') && Reflect.get(value, 'isSasTokenProvider') === true;
}
