// Looks into functions that a machine runs inside turns for what could not be durable: spawn() in an assign, an inline
// action in enqueueActions. What their text makes likely is confirmed by calling them with arguments that stand for
// anything; what escapes this look is refused when it happens (live.ts, actions.ts).

type AnyFunction = (...args: unknown[]) => unknown;

/** `enqueue((…) => …)`, `enqueue(async x => …)`, `enqueue(function …)`, whatever enqueue is called. */
const QUEUES_A_FUNCTION = /\w\(\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>|\w+\s*=>)/;

/** Such a loop could run for ever on arguments that stand for anything. */
const MAY_NOT_END = /\b(?:while|do)\b|\bfor\s*\([^;)]*;/;

export function callsSpawn(assigner: unknown): boolean {
  if (typeof assigner !== 'function') return false;
  const text = textOf(assigner);
  if (!text.includes('spawn') || MAY_NOT_END.test(text)) return false;
  let read = false;
  call(assigner, (key) => {
    if (key === 'spawn') read = true;
  });
  return read;
}

/** What an `enqueueActions` enqueues, as far as that can be seen without an event. */
export function enqueuedActions(collect: unknown): readonly unknown[] {
  if (typeof collect !== 'function') return [];
  const text = textOf(collect);
  if (MAY_NOT_END.test(text) || !(QUEUES_A_FUNCTION.test(text) || /spawn/i.test(text))) return [];
  const queued: unknown[] = [];
  const enqueue = Object.assign((action: unknown) => queued.push(action), {
    assign: (assignment: unknown) => queued.push(builtIn('xstate.assign', { assignment })),
    spawnChild: (src: unknown) => queued.push(builtIn('xstate.spawnChild', { src })),
  });
  call(collect, () => undefined, {
    enqueue: new Proxy(enqueue, { get: (at, key) => Reflect.get(at, key) ?? ANYTHING }),
  });
  return queued;
}

function builtIn(type: string, more: object): unknown {
  return Object.assign(() => undefined, { type, resolve: true, ...more });
}

function textOf(fn: unknown): string {
  return Function.prototype.toString.call(fn);
}

function call(
  fn: unknown,
  onRead: (key: PropertyKey) => void,
  known: Readonly<Record<string, unknown>> = {},
): void {
  const args = new Proxy(known, {
    get(target, key) {
      onRead(key);
      return Reflect.get(target, key) ?? ANYTHING;
    },
  });
  try {
    (fn as AnyFunction)(args, ANYTHING);
  } catch {
    // It took the arguments for what they are not.
  }
}

/** Whatever is asked of it, it gives itself; in a comparison or a text it is empty, and it has no items. */
const ANYTHING: unknown = new Proxy(() => undefined, {
  get: (_target, key) => {
    if (key === Symbol.toPrimitive) return () => '';
    if (key === Symbol.iterator) return () => [].values();
    return key === 'then' ? undefined : ANYTHING;
  },
  set: () => true,
  apply: () => ANYTHING,
  construct: () => ANYTHING as object,
});
