// One request to the console's API, read within bounds and by schemas: what a page sends is checked like anything else that arrives.
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { parseAddress } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { ActorQuery } from '../protocol.ts';

const MOST_BODY = 1_048_576;
const MOST_READ = 16 * MOST_BODY;
const MOST_TEXT = 1_000;

export async function readJson<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // What is too much is read to its end and not kept: who hangs up early gives no answer that can be read.
    if (size <= MOST_BODY) chunks.push(chunk);
    if (size > MOST_READ) break;
  }
  if (size > MOST_BODY) throw new QuorateError('INPUT_INVALID', `the body has more than ${MOST_BODY} bytes`);
  let value: unknown;
  try {
    value = size === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new QuorateError('INPUT_INVALID', 'the body is no JSON');
  }
  return checked(schema, value);
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  throw new QuorateError(
    'INPUT_INVALID',
    `${where === '' ? 'the request' : where}: ${issue?.message ?? 'it does not fit'}`,
  );
}

const text = z.string().min(1).max(MOST_TEXT);
const time = z.coerce.number().int().min(0);
const actorQuery = z.strictObject({
  type: text.optional(),
  shown: z
    .array(z.enum(['quarantined', 'error', 'exhausted', 'asking', 'waiting', 'active', 'done', 'stopped']))
    .optional(),
  state: z.string().max(4_000).optional(),
  tenant: text.optional(),
  root: text.optional(),
  parent: text.optional(),
  code: text.optional(),
  version: text.optional(),
  text: z.string().min(3, 'at least three characters').max(MOST_TEXT).optional(),
  since: time.optional(),
  until: time.optional(),
  sort: z.enum(['changed', 'started', 'cost', 'age']).optional(),
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
});

/** Of a query string. */
export function readActorQuery(params: URLSearchParams): ActorQuery {
  const fields: Record<string, unknown> = Object.fromEntries(params);
  if (params.has('shown')) fields['shown'] = params.getAll('shown');
  return checked(actorQuery, fields) as ActorQuery;
}

const costQuery = z.strictObject({
  by: z.enum(['type', 'tenant', 'run']).default('type'),
  since: time.default(0),
});

export function readCostQuery(params: URLSearchParams): z.infer<typeof costQuery> {
  return checked(costQuery, Object.fromEntries(params));
}

/** A part of a path, decoded; throws INPUT_INVALID for one that is no text. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new QuorateError('INPUT_INVALID', 'the path is no URL');
  }
}

/** `type/id`; throws INPUT_INVALID for what cannot be an actor. */
export function checkAddress(type: string, id: string): string {
  const address = `${type}/${id}`;
  if (parseAddress(address) === undefined) throw new QuorateError('INPUT_INVALID', `${address} is no actor`);
  return address;
}
