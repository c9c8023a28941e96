/** Instants in text, as XML Schema and .NET write them; without a zone they are UTC. */

const DATE =
  /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,7}))?)?\s*(Z|[+-]\d{2}:\d{2})?\s*$/i;

/** Undefined for a text that is not a date. */
export function dateOf(text: string): Date | undefined {
  const [whole, day, time = '00:00', fraction = '0', zone = 'Z'] = DATE.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const ms = Date.parse(
    `${day}T${time.length === 5 ? `${time}:00` : time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`,
  );
  return Number.isNaN(ms) ? undefined : new Date(ms);
}
