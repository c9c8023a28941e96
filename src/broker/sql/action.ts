/** SET and REMOVE: what a rule changes in its own copy of a message. */
import { encodedString, withProperties } from '../codec/edit.ts';
import { PROPERTY_FIELD } from '../codec/envelope.ts';
import { type Property, SqlError, type Statement } from './ast.ts';
import { compileExpression, type Evaluate, type Parameters } from './compile.ts';
import { checkLength } from './filter.ts';
import {
  type EnvelopeView,
  isTextField,
  type MessageView,
  type SystemProperty,
  systemProperty,
  TEXT_FIELDS,
  type UserProperty,
} from './message-view.ts';
import { toText } from './operators.ts';
import { parseAction } from './parser.ts';
import { encodeSqlValue, type SqlValue } from './values.ts';

const MAX_STATEMENTS = 32;
const NULL = Buffer.from([0x40]);

type Step = (message: ChangedMessage) => void;

/** A rule's action, parsed and compiled; it gives the bytes of the changed copy. */
export function compileAction(
  expression: string,
  parameters: Parameters = {},
): (message: EnvelopeView) => Buffer {
  checkLength(expression);
  const statements = parseAction(expression);
  if (statements.length > MAX_STATEMENTS) {
    throw new SqlError(`An action has at most ${MAX_STATEMENTS} statements.`);
  }
  const steps = statements.map((statement) => compileStatement(statement, parameters));
  return (message) => {
    const changed = new ChangedMessage(message);
    for (const step of steps) step(changed);
    return changed.encode();
  };
}

function compileStatement(statement: Statement, parameters: Parameters): Step {
  const { scope, name } = statement.property;
  const value: Evaluate | undefined =
    statement.kind === 'set' ? compileExpression(statement.value, parameters) : undefined;
  if (scope === 'sys') {
    const field = settableField(statement.property);
    return (message) => message.setSystem(field, value?.(message));
  }
  return (message) => {
    if (value) message.setUser(name, value(message));
    else message.removeUser(name);
  };
}

function settableField({ name }: Property): keyof typeof TEXT_FIELDS {
  const field = systemProperty(name);
  if (!field) throw new SqlError(`The system property '${name}' does not exist.`);
  if (!isTextField(field))
    throw new SqlError(`The system property '${name}' cannot be changed by an action.`);
  return field;
}

/** Later statements see what earlier ones did. */
class ChangedMessage implements MessageView {
  readonly #original: EnvelopeView;
  /** By lower-case name; undefined = removed. */
  readonly #user = new Map<string, UserProperty | undefined>();
  readonly #fields = new Map<keyof typeof TEXT_FIELDS, string | undefined>();

  constructor(original: EnvelopeView) {
    this.#original = original;
  }

  user(name: string): UserProperty | undefined {
    return this.#user.has(name) ? this.#user.get(name) : this.#original.user(name);
  }

  system(name: SystemProperty): SqlValue {
    return isTextField(name) && this.#fields.has(name) ? this.#fields.get(name) : this.#original.system(name);
  }

  setUser(name: string, value: SqlValue): void {
    const known = this.user(name.toLowerCase());
    // A double stays one: C# converts the long implicitly.
    const kept = typeof known?.value === 'number' && typeof value === 'bigint' ? Number(value) : value;
    this.#user.set(name.toLowerCase(), { name: known?.name ?? name, value: kept });
  }

  removeUser(name: string): void {
    this.#user.set(name.toLowerCase(), undefined);
  }

  setSystem(name: keyof typeof TEXT_FIELDS, value: SqlValue): void {
    this.#fields.set(name, value === undefined ? undefined : toText(value));
  }

  encode(): Buffer {
    const application = new Map<string, Buffer>();
    for (const property of this.#user.values()) {
      if (property) application.set(property.name, encodeSqlValue(property.value));
    }
    const fields = new Map<number, Buffer>();
    for (const [name, value] of this.#fields) {
      fields.set(PROPERTY_FIELD[TEXT_FIELDS[name]], value === undefined ? NULL : encodedString(value));
    }
    return withProperties(this.#original.envelope.bytes, {
      application,
      dropped: (name) => this.#user.has(name.toLowerCase()),
      fields,
    });
  }
}
