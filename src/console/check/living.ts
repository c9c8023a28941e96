// Where the actors that live are read from: the index of the data folder, also while nothing runs, or a console elsewhere.
import { z } from 'zod';
import { QuorateError } from '../../contract/errors.ts';
import { type IndexPlace, openIndex } from '../index/open.ts';
import type { Living } from '../protocol.ts';

const WAIT_MS = 30_000;

const living = z.object({
  states: z.array(
    z.object({ type: z.string(), version: z.string(), value: z.json(), count: z.number().int() }),
  ),
  machines: z.array(z.object({ type: z.string(), version: z.string(), definition: z.json() })),
});

/** Throws CONSOLE_INDEX_MISSING, or CONSOLE_INDEX_FAILED. */
export async function livingHere(place: IndexPlace): Promise<Living> {
  const index = openIndex(place, true);
  try {
    if ((await index.bytes()) === 0)
      throw new QuorateError(
        'CONSOLE_INDEX_MISSING',
        `there is no index of ${place.broker} in ${place.data}: no console has run there yet`,
      );
    return await index.living();
  } finally {
    await index.close();
  }
}

/** Throws CONSOLE_TOKEN_NEEDED, and CONNECTION_FAILED for what is no console. */
export async function livingAt(console: string, token: string | undefined): Promise<Living> {
  const url = URL.parse('api/living', console.endsWith('/') ? console : `${console}/`);
  if (url === null) throw new QuorateError('USAGE', `${console} is no URL`);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(WAIT_MS) }).catch(
    (cause: unknown) => {
      throw new QuorateError('CONNECTION_FAILED', `${url.origin}: no console answers`, { cause });
    },
  );
  if (response.status === 401)
    throw new QuorateError(
      'CONSOLE_TOKEN_NEEDED',
      `${url.origin} does not know the token of QUORATE_CONSOLE_TOKEN`,
    );
  const parsed = living.safeParse(response.ok ? await response.json().catch(() => undefined) : undefined);
  if (!parsed.success)
    throw new QuorateError(
      'CONNECTION_FAILED',
      `${url.origin} answers ${response.status}, and not as a console does`,
    );
  return parsed.data;
}
