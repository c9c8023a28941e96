/** A client that breaks the protocol is told how, and its connection ends. */
export class Violation extends Error {
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.name = 'Violation';
    this.condition = condition;
  }
}

/** What an error that ends a connection says on the wire. */
export function toViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation('amqp:decode-error', error instanceof Error ? error.message : String(error));
}
