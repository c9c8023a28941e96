// What people do at the console. Each is what a command does, and says which; each leaves one audit line with who did it.
import { z } from 'zod';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { Done, Role } from '../protocol.ts';
import { checkAddress } from './request.ts';
import type { Asked, ConsoleContext } from './routes.ts';

const CALL_MS = 30_000;

export interface Action<B = unknown> {
  readonly role: Role;
  readonly body: z.ZodType<B>;
  readonly act: (body: B, asked: Asked, context: ConsoleContext) => Promise<Done>;
}

const action = <B>(role: Role, body: z.ZodType<B>, act: Action<B>['act']): Action =>
  ({ role, body, act }) as Action;

const nothing = z.strictObject({});
const event = z.looseObject({ type: z.string().min(1).max(1_000) });
const numbers = z.array(z.number().int().min(0)).min(1).max(500);

/** Method and path -> action. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  'POST actors/*/*/send': action(
    'operator',
    z.strictObject({ event }),
    async ({ event: sent }, asked, { client }) => {
      const { type, id, address } = actorOf(asked);
      await client.send(type, id, sent);
      return { done: 'sent', line: `quorate actors send ${quoted(address)} ${quoted(JSON.stringify(sent))}` };
    },
  ),
  'POST actors/*/*/cancel': action('operator', nothing, async (_, asked, { client }) => {
    const { type, id, address } = actorOf(asked);
    const done = await client.cancel(type, id, { signal: asked.signal, timeoutMs: CALL_MS });
    return { done, line: `quorate actors cancel ${quoted(address)}` };
  }),
  'POST actors/*/*/release': action('operator', nothing, async (_, asked, { client }) => {
    const { type, id, address } = actorOf(asked);
    await client.actors.release(type, id, { signal: asked.signal, timeoutMs: CALL_MS });
    return { done: 'released', line: `quorate actors release ${quoted(address)}` };
  }),
  'POST actors/*/*/purge': action('admin', nothing, async (_, asked, { client }) => {
    const { type, id, address } = actorOf(asked);
    await client.actors.purge(type, id, { signal: asked.signal, timeoutMs: CALL_MS });
    return { done: 'purged', line: `quorate actors purge ${quoted(address)}` };
  }),
  'POST actors/*/*/top-up': action(
    'operator',
    z.strictObject({ usd: z.number().positive().optional(), tokens: z.number().int().positive().optional() }),
    async ({ usd, tokens }, asked, { client }) => {
      const { type, id, address } = actorOf(asked);
      const amount = { ...(usd === undefined ? {} : { usd }), ...(tokens === undefined ? {} : { tokens }) };
      const { name: by } = asked.visitor;
      const report = await client.topUp(type, id, {
        ...amount,
        by,
        signal: asked.signal,
        timeoutMs: CALL_MS,
      });
      const flags = [
        usd === undefined ? '' : ` --usd ${usd}`,
        tokens === undefined ? '' : ` --tokens ${tokens}`,
      ];
      return {
        done: report as unknown as Json,
        line: `quorate budgets top-up ${quoted(address)}${flags.join('')}`,
      };
    },
  ),
  'POST asks/*/answer': action(
    'operator',
    z.strictObject({ value: z.json() }),
    async ({ value }, { parts: [id = ''], visitor, signal }, { client }) => {
      await client.answer(id, value, { by: visitor.name, signal, timeoutMs: CALL_MS });
      return { done: 'answered', line: `quorate asks answer ${quoted(id)} ${quoted(JSON.stringify(value))}` };
    },
  ),
  'POST letters/redrive': action(
    'operator',
    z.strictObject({ numbers, dryRun: z.boolean().optional() }),
    async ({ numbers: chosen, dryRun = false }, { signal }, { client }) => ({
      done: (await all(client.deadLetters.redrive(chosen, { dryRun, signal }))) as unknown as Json,
      line: `quorate dlq redrive ${chosen.join(' ')}${dryRun ? ' --dry-run' : ''}`,
    }),
  ),
  'POST letters/discard': action(
    'admin',
    z.strictObject({ numbers }),
    async ({ numbers: chosen }, { signal }, { client }) => ({
      done: (await all(client.deadLetters.discard(chosen, { signal }))) as unknown as Json,
      line: `quorate dlq discard ${chosen.join(' ')}`,
    }),
  ),
  'PUT views/*': action(
    'operator',
    z.strictObject({ query: z.string().max(4_000) }),
    async ({ query }, { parts: [name = ''] }, { index }) => {
      if (name.length > 100)
        throw new QuorateError('INPUT_INVALID', 'a view has a name of at most 100 characters');
      await index.saveView(name, query);
      return { done: 'saved', line: '' };
    },
  ),
  'DELETE views/*': action('operator', nothing, async (_, { parts: [name = ''] }, { index }) => {
    await index.saveView(name, null);
    return { done: 'removed', line: '' };
  }),
};

function actorOf({ parts: [type = '', id = ''] }: Asked): {
  readonly type: string;
  readonly id: string;
  readonly address: string;
} {
  return { type, id, address: checkAddress(type, id) };
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
