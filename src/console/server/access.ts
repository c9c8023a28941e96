// Who may see and do what at the console. Contexts hold prompts, so nothing is shown without a token: a role has one each. Behind a proxy that
// signs people in with Entra ID (App Service, Container Apps), its header says who it is and which roles they have.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { QuorateError } from '../../contract/errors.ts';
import { ROLES, type Role } from '../protocol.ts';

export interface Visitor {
  /** As it stands in audit lines. */
  readonly name: string;
  readonly role: Role;
}

export type Tokens = { readonly [R in Role]?: string | undefined };

const TOKEN_BYTES = 24;
const LEAST_LENGTH = 16;
const MOST_PRINCIPAL = 64 * 1024;
const tokensSchema = z.strictObject({
  reader: z.string().min(LEAST_LENGTH).optional(),
  operator: z.string().min(LEAST_LENGTH).optional(),
  admin: z.string().min(LEAST_LENGTH).optional(),
});

export function mayDo(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Of this data folder, made at the first start: an address that was kept still works after a restart. */
export function localTokens(data: string): Tokens {
  const folder = join(data, 'console');
  const file = join(folder, 'tokens.json');
  try {
    return tokensSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing)
      throw new QuorateError('CONFIG_INVALID', `${file} cannot be read: remove it, and it is made anew`);
  }
  const tokens = Object.fromEntries(
    ROLES.map((role) => [role, randomBytes(TOKEN_BYTES).toString('base64url')]),
  );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, JSON.stringify(tokens), { mode: 0o600, flag: 'wx' });
  } catch {
    // Another process was faster.
    return tokensSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  }
  return tokens;
}

/** `reader=…,operator=…,admin=…`, each of at least 16 characters: what QUORATE_CONSOLE_TOKENS says. Throws CONFIG_INVALID. */
export function parseTokens(text: string): Tokens {
  const pairs = text.split(',').map((part) => part.trim().split('='));
  const parsed = tokensSchema.safeParse(Object.fromEntries(pairs));
  if (parsed.success && Object.keys(parsed.data).length === pairs.length) return parsed.data;
  throw new QuorateError(
    'CONFIG_INVALID',
    `QUORATE_CONSOLE_TOKENS: must be like reader=…,operator=…,admin=…, each token of ${LEAST_LENGTH} characters or more`,
  );
}

export interface AccessOptions {
  readonly tokens: Tokens;
  /** Take the word of a proxy that signs in with Entra ID. */
  readonly entra: boolean;
}

/** Undefined for somebody who is not known. */
export function visitorOf(
  { headers }: IncomingMessage,
  { tokens, entra }: AccessOptions,
): Visitor | undefined {
  const [, given = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (given !== '')
    for (const role of ROLES.toReversed())
      if (isSame(given, tokens[role])) return { name: `${role} token`, role };
  return entra ? ofEntra(headers['x-ms-client-principal'], headers['x-ms-client-principal-name']) : undefined;
}

function isSame(given: string, token: string | undefined): boolean {
  if (token === undefined || given.length !== token.length) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const principalSchema = z.object({
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(1_000),
  role_typ: z.string().optional(),
});

/** What App Service authentication says of who is signed in: the highest of the app roles `reader`, `operator` and `admin`, or `quorate.…`. */
function ofEntra(principal: unknown, name: unknown): Visitor | undefined {
  if (typeof principal !== 'string' || principal.length > MOST_PRINCIPAL) return undefined;
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(principal, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = principalSchema.safeParse(read);
  if (!parsed.success) return undefined;
  const { claims, role_typ: roleType = 'roles' } = parsed.data;
  const said = claims
    .filter(({ typ }) => typ === roleType || typ === 'roles')
    .map(({ val }) => val.replace(/^quorate\./i, '').toLowerCase());
  const role = ROLES.toReversed().find((one) => said.includes(one));
  if (role === undefined) return undefined;
  return { name: typeof name === 'string' && name !== '' ? name : 'signed in', role };
}
