// Each invariant's guard, switched off: the text of a source file that is it, and what stands there instead. The test of
// the same name must fail then (mutations.test.ts); a guard that has moved is an error, not a pass.

export interface Mutation {
  /** Its test is `<invariant>.test.ts` in this folder. */
  readonly invariant: string;
  readonly guard: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What the tests of an invariant came to with one of its guards off. */
export interface MutationResult {
  /** Its place in MUTATIONS. */
  readonly mutation: number;
  readonly failed: number;
  readonly errors: readonly string[];
}

/** The variable that says which are switched off: their places in MUTATIONS. */
export const DRAWN = 'QUORATE_MUTATIONS_DRAWN';

/** Begins the line of a result. */
export const RESULT = 'mutation result ';

export const MUTATIONS: readonly Mutation[] = [
  {
    invariant: 'i01-one-writer',
    guard: 'no commit without a lease',
    file: 'src/bridge/session/held-session.ts',
    find: 'if (!(await this.#lease?.isSafe()))',
    replace: 'if (this.lost)',
  },
  {
    invariant: 'i01-one-writer',
    guard: 'the SDK repeats no request of a client that commits',
    file: 'src/bridge/connection/connection.ts',
    find: 'committing: { maxRetries: 0 }',
    replace: 'committing: { maxRetries: 3 }',
  },
  {
    invariant: 'i02-one-commit',
    guard: 'nothing leaves before its commit',
    file: 'src/actors/host/commit/commit-turns.ts',
    find: 'const committed = await held.tryCommit(',
    replace: 'await sendAnswers(held, next.entries); const committed = await held.tryCommit(',
  },
  {
    invariant: 'i02-one-commit',
    guard: 'a committed outbox is sent again while its inputs are there',
    file: 'src/actors/host/hold.ts',
    find: 'if (mayBeUnsent(held.state, messages))',
    replace: 'if (Number.isNaN(messages.length))',
  },
  {
    invariant: 'i02-one-commit',
    guard: 'no send begins too long after its commit',
    file: 'src/actors/host/outbox/send.ts',
    find: 'if (!mayBegin()) throw tooLate();',
    replace: '',
  },
  {
    invariant: 'i03-deterministic-ids',
    guard: 'an id says in which hold its turn ran',
    file: 'src/actors/protocol/ids.ts',
    find: 'place.incarnation, place.epoch, place.turn',
    replace: 'place.incarnation, place.turn',
  },
  {
    invariant: 'i04-applied-once',
    guard: 'the inbox knows what was applied',
    file: 'src/actors/host/sort/inbox.ts',
    find: 'if (recorded !== undefined) return',
    replace: 'if (recorded === null) return',
  },
  {
    invariant: 'i04-applied-once',
    guard: 'the inbox knows the last effect of every peer',
    file: 'src/actors/host/sort/inbox.ts',
    find: "return { kind: 'repeat' };\n  }\n  const key",
    replace: "return { kind: 'new' };\n  }\n  const key",
  },
  {
    invariant: 'i05-settle-last',
    guard: 'what was not accepted is not settled',
    file: 'src/actors/host/commit/commit-turns.ts',
    find: 'else await publishCommitted(held);',
    replace: 'else void publishCommitted(held).catch(() => {});',
  },
  {
    invariant: 'i06-pure-turns',
    guard: 'the clock stands in a turn',
    file: 'src/actors/worker/purity.ts',
    find: 'now: () => open?.now,',
    replace: 'now: () => undefined,',
  },
  {
    invariant: 'i06-pure-turns',
    guard: 'I/O throws in a turn',
    file: 'src/actors/worker/purity.ts',
    find: 'if (open === undefined) return;',
    replace: 'if (open !== null) return;',
  },
  {
    invariant: 'i07-poison-is-contained',
    guard: 'an attempt is written before it runs',
    file: 'src/actors/host/run/attempts.ts',
    find: 'await commit(state);',
    replace: '',
  },
  {
    invariant: 'i07-poison-is-contained',
    guard: 'an internal message that throws ends its actor',
    file: 'src/actors/core/run-turns.ts',
    find: 'if (draft.request.stopsAtInternal === true || !isFinal(input, verdict))',
    replace: 'if (!isFinal(input, verdict) || verdict.error.code)',
  },
  {
    invariant: 'i07-poison-is-contained',
    guard: 'or waits at the head of a quarantine',
    file: 'src/actors/host/run/attempts.ts',
    find: "...(host.onPoison === 'quarantine' ? { stopsAtInternal: true as const } : {}),",
    replace: '',
  },
  {
    invariant: 'i08-timers-survive',
    guard: 'a timer counts only while its token is in the state',
    file: 'src/actors/core/inputs.ts',
    find: 'draft.timers.delete(token);',
    replace: '',
  },
  {
    invariant: 'i09-stale-results',
    guard: 'an execution that is answered is closed',
    file: 'src/actors/core/inputs.ts',
    find: "closeExecution(draft, input.execution, 'answered');",
    replace: '',
  },
  {
    invariant: 'i09-stale-results',
    guard: 'a number counts in its own life',
    file: 'src/actors/protocol/ids.ts',
    find: 'if (number !== inLife(bare, incarnation)) return undefined;',
    replace: '',
  },
  {
    invariant: 'i10-no-ttl-on-inboxes',
    guard: 'a task past its deadline is not sent',
    file: 'src/actors/host/outbox/send.ts',
    find: 'left < 1 ? undefined :',
    replace: 'left === null ? undefined :',
  },
  {
    invariant: 'i10-no-ttl-on-inboxes',
    guard: 'a time to live of 0 is none to the SDK',
    file: 'src/bridge/codec.ts',
    find: 'Math.max(1, ttl)',
    replace: 'ttl',
  },
  {
    invariant: 'i11-no-silence',
    guard: 'the asker is told of a dead letter',
    file: 'src/actors/agents/dead-letters.ts',
    find: 'reply === undefined ? [] : [...billOf(letters[at]?.message), withLetter(reply, copies[at], kept)],',
    replace: '[],',
  },
  {
    invariant: 'i11-no-silence',
    guard: 'a deadline is an answer',
    file: 'src/actors/core/inputs.ts',
    find: "turn.deliverEnd(childId, { status: 'error', error: { code: 'DEADLINE_EXCEEDED', message } });",
    replace: 'void [childId, message];',
  },
  {
    invariant: 'i11-no-silence',
    guard: 'behind one deadline the next is watched',
    file: 'src/actors/core/timers.ts',
    find: 'if (next < Number.POSITIVE_INFINITY) watchDeadline(draft, next);',
    replace: '',
  },
  {
    invariant: 'i11-no-silence',
    guard: 'a state that is gone is said to be',
    file: 'src/actors/host/hold.ts',
    find: 'if (!isUnreadable(error.code)) return',
    replace: "if (error.code !== '') return",
  },
  {
    invariant: 'i12-group-commit',
    guard: 'what waits is folded in one batch',
    file: 'src/actors/host/held-actor.ts',
    find: 'max: 256,',
    replace: 'max: 1,',
  },
  {
    invariant: 'i13-only-start-creates',
    guard: 'an event for nobody makes no state',
    file: 'src/actors/core/inputs.ts',
    find: "if (life === undefined) return { kind: 'unknown' };",
    replace: "if (life === undefined) return applyStart(turn, { kind: 'start', input: null });",
  },
  {
    invariant: 'i14-fair',
    guard: 'a state of a newer version is left alone',
    file: 'src/actors/host/state/written-state.ts',
    find: 'if (isNewerVersion(version, ownVersion) && !isRegistered(version))',
    replace: 'if (version === ownVersion && version === null)',
  },
  {
    invariant: 'i14-fair',
    guard: 'a busy session yields',
    file: 'src/bridge/session/held-session.ts',
    find: 'if (crowded && this.#heldMs()',
    replace: 'if (crowded && this.lost && this.#heldMs()',
  },
  {
    invariant: 'i15-not-begun',
    guard: 'who stops waiting marks the work',
    file: 'src/actors/host/outbox/outbox.ts',
    find: "if (entry.kind === 'close')\n      await cancellations.cancel(",
    replace: "if (entry.kind === 'close' && entry.until < 0)\n      await cancellations.cancel(",
  },
  {
    invariant: 'i15-not-begun',
    guard: 'who does the work looks for the mark',
    file: 'src/actors/agents/task/handler.ts',
    find: 'const marks = marksOfWork(message, body.execution);',
    replace: 'const marks: string[] = [];',
  },
  {
    invariant: 'i15-not-begun',
    guard: 'an attempt that runs is told',
    file: 'src/actors/agents/task/attempt.ts',
    find: 'host.cancellations.watch(task.marks,',
    replace: 'host.cancellations.watch([],',
  },
];
