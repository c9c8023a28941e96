// Runs named custom actions after the commit, in their order, and before what later steps send. The session does not wait for
// a slow one: a copy of it lies in the type's queue of actions, and comes up there when the run here must be over. A run that
// ends takes its copy back, so only the copies of runs that a crash cut short stay.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { actionQueue, actorQueue } from '../../../contract/entities.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Payloads } from '../../../contract/payload.ts';
import type { Bridge, Clock, Logger, Published, WorkerPool } from '../../../contract/ports.ts';
import type { MachineRef } from '../../../contract/turn.ts';
import { type ActionBody, PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import type { WorkerResponse } from '../../../contract/worker.ts';
import { claimLarge, removeClaims } from '../../protocol/claims.ts';
import { actionMessageId, hashId } from '../../protocol/ids.ts';
import type { OutboxEntry } from '../state/session-state.ts';

/** For all actions of one outbox together: a session lock is held meanwhile. */
const WAIT_MS = 250;
/** After that, an action that still waits is given a thread that is free, or becomes free, within this time. */
const BEGIN_MS = 50;
/** A copy comes up this long after the time limit of the run here. */
const COPY_MARGIN_MS = 2_000;
/** How many ended actions are remembered: an outbox that could not be published is carried out again. */
const MAX_REMEMBERED = 10_000;

export type ActionEntry = OutboxEntry & { readonly kind: 'action' };

interface ActionHost {
  readonly pool: WorkerPool;
  readonly bridge: Pick<Bridge, 'cancelScheduled'>;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turnTimeoutMs: number;
}

/** Whose actions they are, and what they see. */
export interface ActionScope {
  readonly actor: ActorAddress;
  readonly machine: MachineRef;
  readonly incarnation: string;
  readonly turn: number;
  readonly context: Json;
  /** Folder of this life of the actor: what is too large to travel lies there. */
  readonly life: string;
  readonly traceparent?: string | undefined;
  /** How often a host died with these actions in hand. After the first time none is begun under a session lock again (I7). */
  readonly unfinished: number;
}

/** An action that is left to the queue. `published` = its copy is there. */
export interface Handover {
  readonly entry: ActionEntry;
  readonly message: WireMessage;
  readonly published: (at: Published) => void;
}

/** `cut` = nobody can say how far it got. */
type ActionEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'cut'; readonly error: ErrorJson }
  | { readonly kind: 'withdrawn' };

/** `waiting` for a thread: nothing of it has been done. */
type Status = 'waiting' | 'running' | ActionEnd;

interface Run {
  readonly begun: Promise<void>;
  readonly ended: Promise<ActionEnd>;
  status(): Status;
  withdraw(): void;
}

/** The thread is gone, and with it what the action was doing. */
const CUT: ReadonlySet<string> = new Set(['WORKER_DIED', 'TURN_TIMEOUT']);

/** A failure is logged and blocks nothing: the action ran, so it is over. */
export function actionEnd(response: WorkerResponse, say: (error: ErrorJson) => void): ActionEnd {
  if (response.kind === 'failed') {
    const { error } = response;
    if (error.code === 'ABORTED') return { kind: 'withdrawn' };
    if (CUT.has(error.code)) return { kind: 'cut', error };
    say(error);
  } else if (response.kind === 'outcome' && response.outcome.status === 'error') say(response.outcome.error);
  return { kind: 'ended' };
}

/** The actions that this process has begun, over all its sessions. */
export class Actions {
  readonly #host: ActionHost;
  readonly #runs = new Map<string, Run>();
  readonly #over = new Set<string>();

  constructor(host: ActionHost) {
    this.#host = host;
  }

  /** Begun here, or waiting for a thread. */
  get running(): number {
    return this.#runs.size;
  }

  /** Begins the actions in order. Gives the copies, to be published with the rest of the outbox and before it. */
  async begin(entries: readonly ActionEntry[], scope: ActionScope): Promise<readonly Handover[]> {
    const handed: Handover[] = [];
    const startedAt = performance.now();
    const left = (ms: number): number => ms - (performance.now() - startedAt);
    for (const [at, entry] of entries.entries()) {
      const { actor, incarnation, turn } = scope;
      const key = entry.key ?? hashId('action', formatAddress(actor), incarnation, turn, at);
      if (this.#over.has(key)) continue;
      const run = scope.unfinished > 1 ? undefined : (this.#runs.get(key) ?? this.#start(entry, key, scope));
      const status = run === undefined ? 'waiting' : await patience(run, left);
      if (status === 'waiting') run?.withdraw();
      if (status === 'waiting' || status === 'running' || status.kind !== 'ended')
        handed.push(await this.#handOver(entry, key, scope, status, run));
    }
    return handed;
  }

  /** Resolves when none runs any more, or at the abort: their copies are in the queue. */
  async idle(abort: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (abort.aborted) resolve();
      abort.addEventListener('abort', () => resolve(), { once: true });
    });
    while (this.#runs.size > 0 && !abort.aborted)
      await Promise.race([aborted, Promise.all([...this.#runs.values()].map(({ ended }) => ended))]);
  }

  #start({ name, params, event }: ActionEntry, key: string, scope: ActionScope): Run {
    const { actor, machine, turn, context } = scope;
    const { pool, turnTimeoutMs: timeoutMs } = this.#host;
    const withdrawal = new AbortController();
    const begun = Promise.withResolvers<void>();
    let status: Status = 'waiting';
    const onBegin = (): void => {
      status = 'running';
      begun.resolve();
    };
    const response = pool.run(
      { kind: 'action', machine, name, params, event, context },
      { timeoutMs, signal: withdrawal.signal, onBegin },
    );
    const ended = response.then((answer) => {
      const end = actionEnd(answer, (error) => this.#say(`action ${name} failed`, error, actor, turn));
      status = end;
      begun.resolve();
      this.#runs.delete(key);
      if (end.kind === 'ended') this.#remember(key);
      return end;
    });
    const run = { begun: begun.promise, ended, status: () => status, withdraw: () => withdrawal.abort() };
    this.#runs.set(key, run);
    return run;
  }

  async #handOver(
    entry: ActionEntry,
    key: string,
    scope: ActionScope,
    status: Status,
    run: Run | undefined,
  ): Promise<Handover> {
    const { name, params, event } = entry;
    const { actor, machine, context, turn } = scope;
    const { bridge, payloads, clock, turnTimeoutMs } = this.#host;
    const isRunning = status === 'running';
    const isCut = typeof status === 'object' && status.kind === 'cut';
    if (isCut) this.#say(`action ${name} was cut short, it is begun again`, status.error, actor, turn);
    const attempt = scope.unfinished + 1 + (isRunning || isCut ? 1 : 0);
    const body: ActionBody = {
      kind: 'action',
      key,
      name,
      params,
      event,
      context,
      version: machine.version,
      turn,
      attempt,
    };
    const entity = actionQueue(actor.type);
    const message = await claimLarge(
      {
        entity,
        subject: 'action',
        messageId: actionMessageId(key, attempt),
        replyTo: actorQueue(actor.type),
        replyToSessionId: actor.id,
        ...(scope.traceparent === undefined ? {} : { traceparent: scope.traceparent }),
        ...(isRunning ? { notBefore: clock.now() + turnTimeoutMs + COPY_MARGIN_MS } : {}),
        properties: {
          [PROPERTY.format]: WIRE_FORMAT,
          [PROPERTY.from]: formatAddress(actor),
          [PROPERTY.attempt]: attempt,
        },
        body: body as unknown as Json,
      },
      payloads,
      scope.life,
    );
    const takeBack = async (sequenceNumber: number): Promise<void> => {
      const missing = await bridge.cancelScheduled(entity, [sequenceNumber]);
      // One that has come up reads what it claimed.
      if (missing.length === 0) await removeClaims(message, payloads);
    };
    const published = ({ sequenceNumber }: Published): void => {
      this.#remember(key);
      if (run === undefined || sequenceNumber === undefined) return;
      void run.ended
        .then((end) => (end.kind === 'ended' ? takeBack(sequenceNumber) : undefined))
        .catch((thrown: unknown) =>
          this.#host.logger.debug('the copy of an action was not taken back', { reason: String(thrown) }),
        );
    };
    return { entry, message, published };
  }

  #say(what: string, { code, message }: ErrorJson, actor: ActorAddress, turn: number): void {
    this.#host.logger.error(`${what}: ${message}`, { code, actor: formatAddress(actor), turn });
  }

  /** Whether an action is over or in the queue: then it is not begun again here. */
  #remember(key: string): void {
    this.#over.add(key);
    const [oldest] = this.#over;
    if (this.#over.size > MAX_REMEMBERED && oldest !== undefined) this.#over.delete(oldest);
  }
}

/** Waits for its end while there is time for that, then for its begin. */
async function patience(run: Run, left: (ms: number) => number): Promise<Status> {
  await atMost(left(WAIT_MS), run.ended);
  if (run.status() === 'waiting') await atMost(left(WAIT_MS + BEGIN_MS), run.begun);
  return run.status();
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  if (ms <= 0) return;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
