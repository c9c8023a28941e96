// A message that the actor's machine is to take: what sorting gives, and what every later stage is about.
import type { TurnInput } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';

export interface ReceivedInput {
  readonly message: InboundMessage;
  readonly input: TurnInput;
  /** It was in hand when a host died: it runs alone, its attempts counted (I7). */
  readonly suspect?: boolean;
  /** Of a start by a parent: the folder of the family that it was born into. */
  readonly family?: string;
}

export function messagesOf(received: readonly ReceivedInput[]): InboundMessage[] {
  return received.map(({ message }) => message);
}

export function canStart(input: TurnInput): boolean {
  return input.kind === 'start' || (input.kind === 'event' && input.start !== undefined);
}
