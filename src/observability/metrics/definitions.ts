// Every metric that a process of Quorate has: name, kind, unit, labels, and what it counts. The registry takes no other, the table in
// docs/observability.md is made of it, and dashboards are checked against it. Labels name machine types, agents, queues, limits, codes and
// outcomes: never an actor, a message, a run or a tenant.

/** `updown`: a number that adds up over processes. `gauge`: one that does not. */
export type MetricKind = 'counter' | 'updown' | 'gauge' | 'histogram';

export interface MetricDefinition {
  readonly kind: MetricKind;
  /** As in UCUM: s, By, 1; in braces what is counted, which is no part of the name. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram, ascending. */
  readonly buckets?: readonly number[];
}

/** What the conventions for messaging give, up to ten seconds, and further for what waits. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;
/** For what people and machines wait for: a tenth of a second to a week. */
const LONG_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400, 604_800] as const;
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 131_072, 262_144, 1_048_576, 4_194_304] as const;
const COUNTS = [0, 1, 2, 5, 10, 20, 50, 100, 500] as const;

export const METRICS = {
  'quorate.build.info': {
    kind: 'gauge',
    unit: '',
    labels: ['version', 'mode'],
    help: 'Always 1: the version of Quorate, and how it is connected.',
  },
  'quorate.turn.wait': {
    kind: 'histogram',
    unit: 's',
    labels: ['type'],
    buckets: SECONDS,
    help: 'From when the broker took a message in to when its turn began.',
  },
  'quorate.turn.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['type'],
    buckets: SECONDS,
    help: 'One run of the turns of a batch in a worker thread, the wait for a thread included.',
  },
  'quorate.turns': {
    kind: 'counter',
    unit: '{turn}',
    labels: ['type'],
    help: 'Inputs that machines or gathers took.',
  },
  'quorate.turns.dropped': {
    kind: 'counter',
    unit: '{message}',
    labels: ['type', 'reason'],
    help: 'Messages that changed nothing: applied before (repeat), or not waited for any more (stale).',
  },
  'quorate.turns.poisoned': {
    kind: 'counter',
    unit: '{message}',
    labels: ['type'],
    help: 'Messages that could not be applied: set aside, or the end of their actor.',
  },
  'quorate.turns.failed': {
    kind: 'counter',
    unit: '{turn}',
    labels: ['type'],
    help: 'Actors that ended in error because their machine could not take an answer or a timer.',
  },
  'quorate.commit.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['type'],
    buckets: SECONDS,
    help: 'One write of a session state that was committed.',
  },
  'quorate.state.bytes': {
    kind: 'histogram',
    unit: 'By',
    labels: ['type'],
    buckets: BYTES,
    help: 'Size of a committed session state as JSON.',
  },
  'quorate.outbox.size': {
    kind: 'histogram',
    unit: '{message}',
    labels: ['type'],
    buckets: COUNTS,
    help: 'What one commit has to send: messages, fan-outs, timers.',
  },
  'quorate.payload.bytes': {
    kind: 'histogram',
    unit: 'By',
    labels: [],
    buckets: BYTES,
    help: 'Size of a value that went to the payload store, as JSON.',
  },
  'quorate.actors.started': {
    kind: 'counter',
    unit: '{actor}',
    labels: ['type'],
    help: 'Actors that were started.',
  },
  'quorate.actor.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['type', 'status'],
    buckets: LONG_SECONDS,
    help: 'Life of an actor that has ended, by how it ended: done, error, stopped.',
  },
  'quorate.actors.held': {
    kind: 'updown',
    unit: '{actor}',
    labels: ['type'],
    help: 'Actors whose session this process holds now.',
  },
  'quorate.actors.quarantines': {
    kind: 'counter',
    unit: '{actor}',
    labels: ['type'],
    help: 'How often an actor was put into quarantine.',
  },
  'quorate.timer.lateness': {
    kind: 'histogram',
    unit: 's',
    labels: ['type'],
    buckets: SECONDS,
    help: 'From when a timer was due to when its turn was committed.',
  },
  'quorate.gather.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['type', 'outcome'],
    buckets: LONG_SECONDS,
    help: 'From the commit of a scatter to the decision of its gather.',
  },
  'quorate.gather.branches': {
    kind: 'counter',
    unit: '{branch}',
    labels: ['type', 'outcome'],
    help: 'Branches of gathers that were decided: ok, failed, missing; and answers that came late.',
  },
  'quorate.task.wait': {
    kind: 'histogram',
    unit: 's',
    labels: ['agent'],
    buckets: SECONDS,
    help: 'How long a task lay in the queue of its agent before it was handed out.',
  },
  'quorate.task.duration': {
    kind: 'histogram',
    unit: 's',
    labels: ['agent', 'outcome'],
    buckets: SECONDS,
    help: 'One attempt of an agent: done, late, failed or cancelled.',
  },
  'quorate.task.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    labels: ['agent', 'outcome', 'error.type'],
    help: 'Attempts that have ended, with the code of those that failed.',
  },
  'quorate.tasks': {
    kind: 'counter',
    unit: '{task}',
    labels: ['agent', 'event'],
    help: 'What became of tasks beside their attempts: retried, waited, elsewhere, limited, paused, put_off, given_up, cancelled, aborted, ran_on, late, from_store.',
  },
  'quorate.agent.slots': {
    kind: 'updown',
    unit: '{slot}',
    labels: ['agent', 'state'],
    help: 'Tasks that this process can run at once: used and free.',
  },
  'quorate.agent.tokens': {
    kind: 'counter',
    unit: '{token}',
    labels: ['agent', 'model', 'direction'],
    help: 'Tokens that attempts used, as reported or estimated: input and output.',
  },
  'quorate.agent.cost': {
    kind: 'counter',
    unit: '{USD}',
    labels: ['agent', 'model'],
    help: 'What attempts cost in USD, as far as prices are known.',
  },
  'quorate.dead_letters': {
    kind: 'counter',
    unit: '{message}',
    labels: ['entity', 'code'],
    help: 'Dead letters that nobody dealt with, by the queue that they come from.',
  },
  'quorate.queue.active': {
    kind: 'gauge',
    unit: '{message}',
    labels: ['entity', 'by'],
    help: 'Messages in a queue, those in hand included. by=peek: counted by looking, to 100 at most.',
  },
  'quorate.queue.dead': {
    kind: 'gauge',
    unit: '{message}',
    labels: ['entity', 'by'],
    help: 'Messages in the dead-letter queue of a queue.',
  },
  'quorate.queue.scheduled': {
    kind: 'gauge',
    unit: '{message}',
    labels: ['entity', 'by'],
    help: 'Messages of a queue that are to come later: timers and retries.',
  },
  'quorate.queue.age': {
    kind: 'gauge',
    unit: 's',
    labels: ['entity', 'by'],
    help: 'Age of the oldest message that waits in a queue; 0 where none does.',
  },
  'quorate.limit.calls': {
    kind: 'counter',
    unit: '{call}',
    labels: ['limit', 'outcome'],
    help: 'Calls by what their limit said: granted; of these waited; put_off; and throttled, by the other side.',
  },
  'quorate.limit.waiting': {
    kind: 'updown',
    unit: '{call}',
    labels: ['limit'],
    help: 'Calls in this process that wait for their limit now.',
  },
  'quorate.limit.open': {
    kind: 'gauge',
    unit: '',
    labels: ['limit'],
    help: '1 while the breaker of a limit is open, as this process was told.',
  },
  'quorate.limit.opened': {
    kind: 'counter',
    unit: '{time}',
    labels: ['limit'],
    help: 'How often the breaker of a limit has opened, as this process was told.',
  },
  'quorate.budget.events': {
    kind: 'counter',
    unit: '{event}',
    labels: ['type', 'event'],
    help: 'Runs under a budget: nearly used up (low), tasks began to wait for it (parked), none waits any more (resumed).',
  },
  'quorate.session.accepts': {
    kind: 'counter',
    unit: '{session}',
    labels: ['entity'],
    help: 'Sessions that were accepted.',
  },
  'quorate.session.renewals': {
    kind: 'counter',
    unit: '{renewal}',
    labels: ['entity'],
    help: 'Locks of sessions that were renewed.',
  },
  'quorate.session.lock_losses': {
    kind: 'counter',
    unit: '{session}',
    labels: ['entity'],
    help: 'Sessions whose lock was lost while they were held, by time or with the connection.',
  },
  'quorate.load.share': {
    kind: 'gauge',
    unit: '1',
    labels: ['kind'],
    help: 'Part of what may be held at once that this process takes on now: of sessions, of tasks.',
  },
  'quorate.connections': {
    kind: 'updown',
    unit: '{connection}',
    labels: [],
    help: 'Open connections to Service Bus.',
  },
  'quorate.actors': {
    kind: 'gauge',
    unit: '{actor}',
    labels: ['type', 'shown'],
    help: 'Actors by what they show (quarantined, error, asking, waiting ...), from the index of the console that keeps it.',
  },
  'quorate.index.lag': {
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'Age of the newest record that the index took in; processes tell of themselves every ten seconds.',
  },
  'quorate.index.refused': {
    kind: 'counter',
    unit: '{record}',
    labels: [],
    help: 'Records that the index could not read.',
  },
  'quorate.pool.waiting': {
    kind: 'updown',
    unit: '{request}',
    labels: ['kind'],
    help: 'Requests that wait for a worker thread: turns, and other.',
  },
  'quorate.pool.threads': {
    kind: 'updown',
    unit: '{thread}',
    labels: [],
    help: 'Worker threads.',
  },
  'quorate.event_loop.delay': {
    kind: 'gauge',
    unit: 's',
    labels: ['stat'],
    help: 'How late the event loop was in the last ten seconds or more: p50, p99, max.',
  },
  'quorate.event_loop.utilization': {
    kind: 'gauge',
    unit: '1',
    labels: [],
    help: 'Part of the last ten seconds or more in which the event loop was busy.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;

type OfKind<K extends MetricKind> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never;
}[MetricName];

export type HistogramName = OfKind<'histogram'>;
export type CounterName = OfKind<'counter'>;
export type NumberName = OfKind<'counter' | 'updown' | 'gauge'>;

/** A value for each label, in order. */
export type LabelValues<N extends MetricName> = Strings<(typeof METRICS)[N]['labels']>;
type Strings<T extends readonly unknown[]> = { readonly [I in keyof T]: string };

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];
