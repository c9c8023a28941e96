/** The status that `$management` and HTTP replies carry beside an error condition that a fault names. */
const STATUS: Readonly<Record<string, number>> = {
  'amqp:unauthorized-access': 401,
  'amqp:not-found': 404,
  'com.microsoft:message-not-found': 404,
  'com.microsoft:timeout': 408,
  'com.microsoft:entity-already-exists': 409,
  'com.microsoft:message-lock-lost': 410,
  'com.microsoft:session-lock-lost': 410,
  'com.microsoft:session-cannot-be-locked': 410,
  'com.microsoft:entity-disabled': 403,
  'amqp:resource-limit-exceeded': 403,
  'amqp:link:message-size-exceeded': 403,
  'amqp:not-allowed': 400,
  'com.microsoft:argument-error': 400,
  'amqp:not-implemented': 501,
  'com.microsoft:server-busy': 503,
};

export function statusOfCondition(condition: string): number {
  return STATUS[condition] ?? 500;
}
