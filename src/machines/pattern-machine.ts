// The type of the machines that the factories here give: everything that a user's code meets is exact, and nothing that
// is inside shows, so that a state added to a pattern breaks no caller's types.
import type {
  AnyActorRef,
  EventObject,
  MetaObject,
  ParameterizedObject,
  ProvidedActor,
  StateMachine,
  StateSchema,
  StateValue,
} from 'xstate';

export interface PatternTypes {
  readonly context: object;
  readonly event: EventObject;
  readonly value: StateValue;
  readonly tag: string;
  readonly input: unknown;
  readonly output: unknown;
}

export type PatternMachine<T extends PatternTypes> = StateMachine<
  { [K in keyof T['context']]: T['context'][K] },
  T['event'],
  Record<string, AnyActorRef | undefined>,
  ProvidedActor,
  ParameterizedObject,
  ParameterizedObject,
  string,
  T['value'],
  T['tag'],
  T['input'],
  T['output'],
  EventObject,
  MetaObject,
  StateSchema
>;
