// start, run, send, query, result, watch, cancel: what another service embeds. Service Bus is the only way in.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkBehalf, toProperties } from '../actors/protocol/behalf.ts';
import { boundsProperties } from '../actors/protocol/bounds.ts';
import { claimingPublish } from '../actors/protocol/claims.ts';
import { hashId } from '../actors/protocol/ids.ts';
import { limitSignal, throwIfAborted } from '../common/signals.ts';
import { checkActorId, checkEvent } from '../contract/border.ts';
import type { RunBounds } from '../contract/bounds.ts';
import type { CallOptions, QuorateClient, StartOptions } from '../contract/client.ts';
import type { QuorateConfig } from '../contract/config.ts';
import { actorQueue } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Clock } from '../contract/ports.ts';
import type { StreamStore } from '../contract/stream.ts';
import { toCosts } from '../contract/usage.ts';
import type { AnswerBody, WireMessage } from '../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../contract/wire.ts';
import { createRequests } from '../mailbox/requests.ts';
import { createSharedAgents } from './agents.ts';
import { createAsks, toResponse } from './asks.ts';
import { toLimits, withBudget } from './budgets.ts';
import {
  checkInput,
  checkKey,
  DEFAULT_TIMEOUT_MS,
  isNotFound,
  noAnswer,
  sayUnknownType,
  timeoutOf,
  unexpected,
} from './call-ends.ts';
import { type CallSpan, inCallSpan, inWatchSpan } from './call-span.ts';
import { cancelTenant } from './cancel-tenant.ts';
import { createDayBudgets } from './day-budgets.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createEnds } from './ends.ts';
import { type FamilyReader, readFamily } from './family-stream.ts';
import { createSharedLimits } from './limits.ts';
import { whileOpen } from './open-bridge.ts';
import { createSharedPrices } from './prices.ts';
import { createStreams } from './streams.ts';
import { watchActor } from './watch.ts';

const DEFAULT_PAGE = 100;
/** A client closes after this long without the broker: leases of watches end by themselves. */
const CLOSE_LIMIT_MS = 2_000;

export interface ClientOptions {
  readonly bridge: Bridge;
  /** The payload store, for what is too large for a message. */
  readonly payloads: Payloads;
  /** What agents stream; opened by the first who reads it. */
  readonly streams: () => Promise<StreamStore>;
  /** Known types, where they are known: a client in another process leaves it to the broker to say that a queue is missing. */
  readonly machineTypes?: readonly string[];
  /** Where the broker is, for messages. */
  readonly endpoint?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Also closes what the client was made with. */
  readonly onClose?: () => Promise<void>;
}

export function createClient<C extends QuorateConfig>(options: ClientOptions): QuorateClient<C> {
  const { payloads, clock = { now: Date.now } } = options;
  const open = whileOpen(options.bridge);
  const publish = claimingPublish(open.bridge, payloads);
  const bridge = {
    ...open.bridge,
    publish: (messages: readonly WireMessage[]) =>
      publish(messages).catch(sayUnknownType(messages[0]?.entity)),
  };
  const requests = createRequests(bridge, payloads, options.endpoint);
  const watches = new Set<() => Promise<void>>();

  const message = (
    type: string,
    id: string,
    body: Json & { readonly kind: WireMessage['subject'] },
    more: Partial<WireMessage> = {},
  ): WireMessage => {
    if (options.machineTypes?.includes(type) === false)
      throw new QuorateError('MACHINE_NOT_FOUND', `no machine type ${type} in the configuration`);
    return {
      entity: actorQueue(type),
      sessionId: checkActorId(id, type),
      subject: body.kind,
      messageId: randomUUID(),
      ...more,
      properties: { [PROPERTY.format]: WIRE_FORMAT, ...more.properties },
      body,
    };
  };
  const ask = (
    type: string,
    id: string,
    call: CallOptions | undefined,
    make: Parameters<typeof requests.ask>[0],
    late: QuorateError,
    { correlationId, span }: { readonly correlationId?: string; readonly span?: CallSpan } = {},
  ) =>
    requests.ask(make, {
      timeoutMs: timeoutOf(call),
      signal: call?.signal,
      onTimeout: () => late,
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(span === undefined ? {} : { onAnswer: span.answeredBy }),
    });

  const streams = createStreams({
    ...options,
    clock,
    requests,
    open: watches,
    ends: createEnds({
      requests,
      request: async ({ type, id }, correlationId, leaseMs) => {
        const asker = { ...requests.askerOf(correlationId) };
        const properties = { [PROPERTY.ends]: true };
        await bridge.publish([message(type, id, { kind: 'watch', asker, leaseMs }, { properties })]);
      },
    }),
    ask: async (type, id, signal) => {
      const late = noAnswer(type, id);
      const properties = { [PROPERTY.brief]: true, [PROPERTY.patience]: DEFAULT_TIMEOUT_MS };
      const make = (asker: unknown): WireMessage =>
        message(type, id, { kind: 'query', asker: asker as Json }, { properties });
      return ask(type, id, signal === undefined ? undefined : { signal }, make, late);
    },
  });

  const remedy = async (
    kind: 'release' | 'purge',
    done: AnswerBody['answer'],
    type: string,
    id: string,
    call: CallOptions | undefined,
  ): Promise<void> => {
    const late = noAnswer(type, id);
    const make = (asker: unknown): WireMessage => message(type, id, { kind, asker: asker as Json });
    const body = await ask(type, id, call, make, late);
    if (body.answer !== done) throw unexpected(body);
  };

  const begin = (
    type: string,
    {
      id,
      input,
      tenant,
      priority,
      budget,
      deadlineMs,
      maxDepth,
      maxTasks,
      noProgressMs,
      ...call
    }: StartOptions<unknown>,
    more: NonNullable<WireMessage['properties']> = {},
    waiting?: CallSpan,
  ): ReturnType<QuorateClient['start']> => {
    const ofSpan = async (span: CallSpan): ReturnType<QuorateClient['start']> => {
      const bounds = boundsProperties({ deadlineMs, maxDepth, maxTasks, noProgressMs } as RunBounds);
      const behalf = { ...toProperties(checkBehalf({ tenant, priority })), ...bounds };
      const late = new QuorateError('RESULT_TIMEOUT', `${type}/${id} did not confirm its start in time`);
      const given = checkInput(input, `${type}/${id}`);
      const properties = { ...behalf, ...more, ...withBudget(budget, `${type}/${id}`) };
      const make = (asker: unknown): WireMessage =>
        message(
          type,
          id,
          { kind: 'start', input: given, asker: asker as Json },
          { ...span.carried, properties: { ...span.carried.properties, ...properties } },
        );
      const body = await ask(type, id, call, make, late, { span });
      if (body.answer === 'started' || body.answer === 'exists')
        return { address: { type, id }, answer: body.answer };
      throw unexpected(body);
    };
    return waiting === undefined ? inCallSpan('start', type, id, ofSpan) : ofSpan(waiting);
  };

  const resultOf = async (
    type: string,
    id: string,
    call: CallOptions | undefined,
    span: CallSpan,
  ): Promise<Json> => {
    const late = new QuorateError('RESULT_TIMEOUT', `${type}/${id} has not ended yet`);
    const body = await ask(
      type,
      id,
      call,
      (asker) => message(type, id, { kind: 'await', asker: { ...asker } }),
      late,
      // Asked again after a time-out, it waits in the actor's state once, not once more.
      { correlationId: hashId('result', type, id), span },
    );
    if (body.answer !== 'outcome') throw unexpected(body);
    if (body.outcome.status === 'error') throw fromErrorJson(body.outcome.error);
    return body.outcome.output;
  };

  const family: FamilyReader = {
    stream: (actor, signal) => streams.read(actor, { signal }),
    children: async function* ({ type, id }, signal) {
      for await (const { children = [] } of client.watch(type, id, { signal, children: true }))
        yield children;
    },
  };
  const client: QuorateClient = {
    start: (type, given) => begin(type, given),
    run: (type, { id, input, budget, ...call }) =>
      inCallSpan('run', type, id, async (span) => {
        const given = checkInput(input, `${type}/${id}`);
        checkBehalf(call);
        boundsProperties(call);
        const over = new AbortController();
        const { signal, release } = limitSignal({ sources: [over.signal, call.signal] });
        const waiting = { ...call, signal };
        const own = budget === undefined ? {} : { budget };
        const more = { [PROPERTY.sameInput]: true, [PROPERTY.within]: true };
        const started = begin(type, { id, input: given, ...own, ...call }, more, span);
        const result = resultOf(type, id, waiting, span).catch(async (thrown: unknown) => {
          // The start says why there is no actor.
          await started;
          if (!isNotFound(thrown)) throw thrown;
          // The question came before the start, whose input goes through the payload store first.
          return resultOf(type, id, waiting, span);
        });
        try {
          const [, output] = await Promise.all([started, result]);
          return output as never;
        } finally {
          // Nobody waits for the end of an actor whose start was refused.
          over.abort();
          release();
        }
      }),
    send: (type, id, event, call) =>
      inCallSpan('send', type, id, async ({ carried }) => {
        throwIfAborted(call?.signal);
        checkKey(call?.key);
        const of = `${type}/${id}`;
        const funded = withBudget(call?.start?.budget, of);
        const own =
          call?.key === undefined
            ? {}
            : { messageId: hashId('key', type, id, call.key), properties: { [PROPERTY.key]: call.key } };
        const behalf =
          call?.start === undefined
            ? {}
            : { ...toProperties(checkBehalf(call.start)), ...boundsProperties(call.start) };
        const start = call?.start === undefined ? {} : { start: { input: checkInput(call.start.input, of) } };
        const body = { kind: 'event', event: checkEvent(event, of), ...start } as const;
        await bridge.publish([
          message(type, id, body, {
            ...carried,
            ...own,
            properties: { ...carried.properties, ...own.properties, ...behalf, ...funded },
          }),
        ]);
      }),
    query: (type, id, call) =>
      inCallSpan('query', type, id, async (span) => {
        const late = noAnswer(type, id, 'the query ');
        const make = (asker: unknown): WireMessage =>
          message(
            type,
            id,
            { kind: 'query', asker: asker as Json },
            {
              properties: {
                [PROPERTY.patience]: timeoutOf(call),
                ...(call?.branches === true ? { [PROPERTY.branches]: true } : {}),
              },
            },
          );
        const body = await ask(type, id, call, make, late, { span });
        if (body.answer === 'snapshot') return body.snapshot;
        throw unexpected(body);
      }),
    topUp: async (type, id, { by = '', usd, tokens, ...call }) => {
      const { microUsd = 0, tokens: more = 0 } = toLimits({ usd, tokens }, `topUp of ${type}/${id}`);
      const late = noAnswer(type, id);
      const make = (asker: unknown): WireMessage =>
        message(type, id, {
          kind: 'topUp',
          asker: asker as Json,
          by: by.slice(0, 128),
          microUsd,
          tokens: more,
        });
      const body = await ask(type, id, call, make, late);
      if (body.answer === 'budget') return body.budget;
      throw unexpected(body);
    },
    costs: async (type, id, call) => {
      const { costs, status } = await client.query(type, id, call);
      return costs ?? toCosts([], status !== 'active');
    },
    result: (type, id, call) =>
      inCallSpan('result', type, id, async (span) => {
        checkActorId(id, type);
        return (await resultOf(type, id, call, span)) as never;
      }),
    watch: (type, id, call) => {
      const correlationId = randomUUID();
      const asker = { ...requests.askerOf(correlationId) };
      return inWatchSpan(type, id, (span) =>
        watchActor({
          signal: call?.signal,
          request: async (leaseMs) => {
            const asked = message(type, id, { kind: 'watch', asker, leaseMs });
            const properties = {
              ...(call?.progress === true ? { [PROPERTY.progress]: true } : {}),
              ...(call?.children === true ? { [PROPERTY.children]: true } : {}),
            };
            await bridge.publish([{ ...asked, properties: { ...asked.properties, ...properties } }]);
          },
          listen: (onBody) => requests.listen(correlationId, onBody, span.answeredBy),
          open: watches,
        }),
      ) as never;
    },
    stream: (type, id, call) => {
      const actor = { type, id: checkActorId(id, type) };
      if (call?.children !== true) return streams.read(actor, call);
      if (call.from !== undefined)
        throw new QuorateError('INPUT_INVALID', 'a stream with those of children has no offset to begin at');
      return readFamily(actor, family, call.signal);
    },
    cancel: async (type, id, call) => {
      checkActorId(id, type);
      throwIfAborted(call?.signal);
      await bridge.publish([message(type, id, { kind: 'stop' })]);
      const late = new QuorateError('RESULT_TIMEOUT', `${type}/${id} did not confirm its end in time`);
      const make = (asker: unknown): WireMessage =>
        message(type, id, { kind: 'await', asker: asker as Json });
      const body = await ask(type, id, call, make, late, {
        correlationId: hashId('result', type, id),
      });
      if (body.answer !== 'outcome') throw unexpected(body);
      const { outcome } = body;
      return outcome.status === 'error' && outcome.error.code === 'ACTOR_STOPPED' ? 'cancelled' : 'ended';
    },
    cancelTenant: async (tenant, { types = options.machineTypes, ...call } = {}) => {
      if (types === undefined)
        throw new QuorateError('INPUT_INVALID', 'cancelTenant needs the types of actors');
      return cancelTenant(client, tenant, { types: types.filter((type) => !type.includes('.')), ...call });
    },
    actors: {
      list: async (type, { from = 0, limit = DEFAULT_PAGE } = {}) => {
        const page = { skip: from, top: limit };
        const found = bridge.listSessions(actorQueue(type), page).catch(sayUnknownType(actorQueue(type)));
        const { ids, listed } = await found;
        return listed < limit ? { ids } : { ids, next: from + listed };
      },
      release: (type, id, call) => remedy('release', 'released', type, id, call),
      purge: (type, id, call) => remedy('purge', 'purged', type, id, call),
    },
    asks: createAsks(open.bridge, requests, (type, id, call) => client.query(type, id, call)),
    answer: async (question, value, call) => {
      const { type, id, body } = toResponse(question, value, call);
      const late = new QuorateError(
        'RESULT_TIMEOUT',
        `${type}/${id} did not confirm the answer in time; it may still count: does a host of it run?`,
      );
      const make = (asker: unknown): WireMessage => message(type, id, { ...body, asker: asker as Json });
      const told = await ask(type, id, call, make, late);
      if (told.answer !== 'answered') throw unexpected(told);
    },
    limits: createSharedLimits(open.bridge, requests),
    agents: createSharedAgents(open.bridge, requests),
    prices: createSharedPrices(open.bridge, requests),
    budgets: createDayBudgets(open.bridge, requests),
    deadLetters: createDeadLetters({ ...open.bridge, publish }, payloads, requests, clock),
    close: async () => {
      await Promise.race([
        Promise.all([...watches].map((end) => end())),
        sleep(CLOSE_LIMIT_MS, undefined, { ref: false }),
      ]);
      await requests.close();
      open.close();
      await options.onClose?.();
    },
  };
  return client;
}
