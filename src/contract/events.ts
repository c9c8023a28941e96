// Event types that nobody outside may send: with `xstate.done.actor.x` a stranger could end another's task.

export function isReservedEvent(type: string): boolean {
  return type.startsWith('xstate.') || type.startsWith('quorate.');
}
