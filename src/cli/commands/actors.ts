// `quorate actors`: actors listed, looked at, started, sent an event, stopped, released from quarantine, removed.
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../config/resolve.ts';
import type { ActorAddress } from '../../contract/address.ts';
import type { QuorateClient } from '../../contract/client.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import type { QueryAnswer } from '../../contract/wire.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, toAddress, verboseOption, wholeNumber } from '../shared/options.ts';
import { confirm, formatRows } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS, sendEvent } from './send-event.ts';
import { DEFAULT_CONFIG } from './start.ts';
import { type StartActorOptions, startActor, withStartOptions } from './start-actor.ts';
import { streamActor } from './stream-actor.ts';

interface CommonOptions {
  readonly data?: string;
  readonly json?: true;
}

export function addActorsCommand(program: Command, finish: Finish): void {
  const actors = program
    .command('actors')
    .description('Actors: list, look at, start, tell, stop, release, remove.');
  documented(actors, { exits: ['done', 'usage'], example: 'quorate actors --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      actors
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate actors ${example}` },
    );

  add('ls', 'List the actors of a type, with where they are.', 'ls review')
    .argument('<type>', 'machine type')
    .option('--from <number>', 'begin with this one (default: the first)', wholeNumber(0))
    .option('--limit <count>', 'at most so many', wholeNumber(0), 100)
    .action(async (type: string, options: CommonOptions & { from?: number; limit: number }) =>
      finish(await list(type, options)),
    );
  add('show', 'Show one: state, context, gathers, quarantine.', 'show review/r1')
    .argument('<actor>', 'type/id', toAddress)
    .action(async (actor: ActorAddress, options: CommonOptions) => finish(await show(actor, options)));
  withStartOptions(add('start', 'Start one.', `start counter/c1 '{"by":1}' --tenant acme`)).action(
    async (actor: ActorAddress, input: Json | undefined, options: StartActorOptions) =>
      finish(await startActor(actor, input, options)),
  );
  add('send', 'Send one an event.', `send counter/c1 '{"type":"add","by":1}'`)
    .argument('<actor>', 'type/id', toAddress)
    .argument('<event>', 'JSON with a type', toEvent)
    .option('--start <input>', 'JSON; starts it with this input if it is not there (default: off)', toInput)
    .action(async (actor: ActorAddress, event: EventJson, options: CommonOptions & { start?: Start }) =>
      finish(await tell(actor, event, options)),
    );
  add('stream', 'Follow what agents of one stream, until it ends.', 'stream review/r1')
    .argument('<actor>', 'type/id', toAddress)
    .option('--from <offset>', 'behind the item with this offset (default: from the beginning)')
    .option('--children', 'with what agents of its children stream (default: off)')
    .action(async (actor: ActorAddress, options: CommonOptions & { from?: string; children?: true }) =>
      finish(await streamActor(actor, options)),
    );
  add('cancel', 'Stop one with its children, tasks and timers.', 'cancel review/r1')
    .argument('<actor>', 'type/id', toAddress)
    .action(async (actor: ActorAddress, options: CommonOptions) =>
      finish(await say(options, undefined, (client) => client.cancel(actor.type, actor.id))),
    );
  add('cancel-tenant', 'Stop all that run on behalf of a tenant.', 'cancel-tenant acme')
    .argument('<tenant>', 'as it was given at their start')
    .argument('[types...]', 'machine types (default: those of the configuration)')
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .action(async (tenant: string, types: string[], options: CommonOptions & { config: string }) =>
      finish(await cancelTenant(tenant, types, options)),
    );
  add('release', 'Let a quarantined one continue, with what waited for it.', 'release review/r1')
    .argument('<actor>', 'type/id', toAddress)
    .action(async (actor: ActorAddress, options: CommonOptions) =>
      finish(await say(options, 'released', (client) => client.actors.release(actor.type, actor.id))),
    );
  add('purge', 'Stop one and forget it at once.', 'purge review/r1 --yes')
    .argument('<actor>', 'type/id', toAddress)
    .option('--yes', 'do not ask (default: ask)')
    .action(async (actor: ActorAddress, options: CommonOptions & { yes?: true }) =>
      finish(
        options.yes || (await confirm(`Remove ${actor.type}/${actor.id} for good?`))
          ? await say(options, 'purged', (client) => client.actors.purge(actor.type, actor.id))
          : EXIT.failed,
      ),
    );
}

type Row = { readonly id: string } & Pick<
  QueryAnswer,
  'status' | 'value' | 'turn' | 'version' | 'quarantine' | 'budget' | 'paused'
>;

async function list(
  type: string,
  { data, json, from, limit }: CommonOptions & { from?: number; limit: number },
): Promise<ExitCode> {
  const { rows, next } = await withClient(data, async (client) => {
    const page = await client.actors.list(type, { limit, ...(from === undefined ? {} : { from }) });
    const found = await Promise.all(page.ids.map((id) => rowOf(client, type, id)));
    return { rows: found.filter((row) => row !== undefined), next: page.next };
  });
  if (json)
    console.log(JSON.stringify({ actors: rows, ...(next === undefined ? {} : { next }) }, undefined, 2));
  else if (rows.length === 0) console.log(`there are no actors of type ${type}`);
  else {
    const cells = rows.map((row) => [
      row.id,
      statusOf(row),
      formatState(row.value),
      String(row.turn),
      row.version,
      row.quarantine === undefined ? '' : String(row.quarantine.held),
    ]);
    for (const line of formatRows([['id', 'status', 'state', 'turn', 'version', 'waiting'], ...cells], [3]))
      console.log(line);
  }
  if (!json && next !== undefined) console.log(`more: quorate actors ls ${type} --from ${next}`);
  return EXIT.done;
}

async function rowOf(client: QuorateClient, type: string, id: string): Promise<Row | undefined> {
  try {
    const { status, value, turn, version, quarantine, budget, paused } = await client.query(type, id, {
      timeoutMs: QUERY_TIMEOUT_MS,
    });
    return {
      id,
      status,
      value: value as never,
      turn,
      version,
      ...(quarantine === undefined ? {} : { quarantine }),
      ...(budget === undefined ? {} : { budget }),
      ...(paused === undefined ? {} : { paused }),
    };
  } catch (error) {
    // Forgotten since it was listed, or by an earlier release, which left 4 bytes behind: a purge clears them.
    if (error instanceof QuorateError && error.code === 'ACTOR_NOT_FOUND') return undefined;
    throw error;
  }
}

async function show({ type, id }: ActorAddress, { data }: CommonOptions): Promise<ExitCode> {
  const answer = await withClient(data, (client) => client.query(type, id, { timeoutMs: QUERY_TIMEOUT_MS }));
  console.log(JSON.stringify(answer, undefined, 2));
  return EXIT.done;
}

async function tell(
  actor: ActorAddress,
  event: EventJson,
  { data, json, start }: CommonOptions & { start?: Start },
): Promise<ExitCode> {
  const sent = await withClient(data, (client) => sendEvent(client, actor, event, start));
  console.log(json ? JSON.stringify(sent) : sent.why === undefined ? 'sent' : `sent, and waits: ${sent.why}`);
  return EXIT.done;
}

async function cancelTenant(
  tenant: string,
  given: readonly string[],
  { data, json, config }: CommonOptions & { readonly config: string },
): Promise<ExitCode> {
  const types = given.length > 0 ? given : Object.keys((await loadConfig(config)).machines);
  const outcome = await withClient(data, (client) => client.cancelTenant(tenant, { types }));
  console.log(
    json
      ? JSON.stringify(outcome)
      : `${outcome.cancelled} cancelled, of ${outcome.looked} actors that were looked at`,
  );
  return EXIT.done;
}

/** One call, and one word of what came of it. */
async function say(
  { data, json }: CommonOptions,
  word: string | undefined,
  call: (client: QuorateClient) => Promise<unknown>,
): Promise<ExitCode> {
  const answer = await withClient(data, call);
  const outcome = word ?? String(answer);
  console.log(json ? JSON.stringify({ outcome }) : outcome);
  return EXIT.done;
}

function toEvent(text: string): EventJson {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string')
      return event as EventJson;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('An event is a JSON object with a type.');
}

interface Start {
  readonly input: Json;
}

function toInput(text: string): Start {
  try {
    return { input: JSON.parse(text) as Json };
  } catch {
    throw new InvalidArgumentError('An input is JSON.');
  }
}

/** In words, and why it does not continue, where that is known. */
export function statusOf({
  status,
  quarantine,
  budget,
  paused = {},
}: Pick<Row, 'status' | 'quarantine' | 'budget' | 'paused'>): string {
  if (quarantine !== undefined) return `quarantined: ${quarantine.code}`;
  if (status !== 'active') return status;
  if ((budget?.waiting ?? 0) > 0) return 'active: waits for its budget';
  const [agent] = Object.keys(paused);
  return agent === undefined ? status : `active: agent ${agent} is paused`;
}

/** 'a', or for nested and parallel states 'a.b' and 'a.b, c.d'. */
export function formatState(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const rest = formatState(inner);
    return rest === '' ? name : `${name}.${rest}`;
  });
  return parts.join(', ');
}
