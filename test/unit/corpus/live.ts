// A case under XState's own createActor: real promise actors, real children, and a clock that the script advances.
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { createActor } from 'xstate';
import type { Case, Step } from './case.ts';
import { untilQuiet, useClock, VirtualClock } from './clock.ts';
import type { Observation, View } from './observe.ts';
import { Ledger, plain, ROOT } from './observe.ts';

export async function runLive(given: Case): Promise<Observation[]> {
  const clock = new VirtualClock();
  useClock(clock);
  const ledger = new Ledger();
  const root = createActor(withRegistered(given), {
    id: ROOT,
    input: given.input,
    clock,
    logger: (...args: unknown[]) => {
      const [label, value] = args.length === 1 ? [null, args[0]] : [String(args[0]), args[1]];
      ledger.logged.push([label, plain(value)]);
    },
    inspect: (event) => {
      const ref = event.actorRef as AnyActorRef;
      if (event.type === '@xstate.actor' && isMachine(ref)) {
        ref.on('*', (emitted: unknown) => ledger.emitted.push([pathOf(ref), plain(emitted)]));
      }
      if (event.type === '@xstate.action' && isNamedAction(ref, event.action.type)) {
        ledger.acted.push([pathOf(ref), event.action.type, plain(event.action.params)]);
      }
    },
  });
  // Without it XState throws the root's error into the process.
  root.subscribe({ error: () => {} });
  const observations: Observation[] = [];
  for (const [step] of given.script) {
    await take(step, root, clock);
    const actors: Record<string, View> = {};
    look(root, actors);
    observations.push(ledger.take(actors));
  }
  root.stop();
  return observations;
}

/** Registered machines are known to the runtime; here the machine must bring them along. */
function withRegistered({ machine, machines }: Case): AnyStateMachine {
  return machine.provide({ actors: machines as never }) as AnyStateMachine;
}

async function take(step: Step, root: AnyActorRef, clock: VirtualClock): Promise<void> {
  const settle = (): Promise<void> => untilQuiet(() => false);
  switch (step.kind) {
    case 'start':
      root.start();
      return settle();
    case 'send':
      find(root, step.to).send(step.event);
      return settle();
    case 'wait':
      return clock.advance(step.ms, settle);
  }
}

function find(root: AnyActorRef, path: readonly string[]): AnyActorRef {
  let ref = root;
  for (const id of path) {
    const child = childrenOf(ref)[id];
    if (child === undefined) throw new Error(`no child '${id}' at ${path.join('/')}`);
    ref = child;
  }
  return ref;
}

function look(ref: AnyActorRef, into: Record<string, View>): void {
  const { status, value, context, tags, output, error } = ref.getSnapshot() as AnyMachineSnapshot;
  into[pathOf(ref)] = {
    status,
    value: plain(value),
    context: plain(context),
    tags: [...(tags ?? [])].toSorted(),
    ...(output === undefined || output === null ? {} : { output: plain(output) }),
    ...(error === undefined ? {} : { error: plain(error) }),
  };
  if (status !== 'active') return;
  for (const child of Object.values(childrenOf(ref))) {
    if (isMachine(child) && child.getSnapshot().status === 'active') look(child, into);
  }
}

function childrenOf(ref: AnyActorRef): Readonly<Record<string, AnyActorRef | undefined>> {
  return (ref.getSnapshot() as AnyMachineSnapshot).children;
}

function isMachine(ref: AnyActorRef | undefined): ref is AnyActorRef {
  return ref !== undefined && '__xstatenode' in logicOf(ref);
}

function logicOf(ref: AnyActorRef): AnyStateMachine {
  return (ref as unknown as { logic: AnyStateMachine }).logic;
}

function isNamedAction(ref: AnyActorRef, type: string): boolean {
  return isMachine(ref) && typeof logicOf(ref).implementations.actions[type] === 'function';
}

function pathOf(ref: AnyActorRef): string {
  const parent = (ref as unknown as { _parent?: AnyActorRef })._parent;
  return parent === undefined ? ref.id : `${pathOf(parent)}/${ref.id}`;
}
