// What must be true in the end: money is neither made nor lost, no budget is passed, each effect happened once under its key, nothing is stuck,
// and every dead letter has a reason that is a code and a matching end at its actor.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuorateClient } from '../src/contract/client.ts';
import type { DeadLetter } from '../src/contract/dead-letters.ts';
import { isErrorCode } from '../src/contract/errors.ts';
import { type LedgerLine, SPEND_TOKENS, type SpendLine, type WatchLine } from './agents.ts';
import { type Ended, SPENDER_TOKENS } from './load.ts';

export interface Verdict {
  readonly violations: readonly string[];
  readonly transfers: number;
  readonly compensated: number;
  readonly effects: number;
  /** Lines of a key that was booked before: an agent's crash between its effect and the stored result. */
  readonly repeated: number;
  readonly deadLetters: number;
  /** Runs that were cancelled, and tasks of them that were begun later than a second afterwards. */
  readonly cancelled: number;
  readonly begunLate: number;
  /** Runs that ended because their budget did. */
  readonly spenders: number;
}

/** A host that was frozen, or had no processor, between its last look and the call begins it that much later. */
const LONGEST_PAUSE_MS = 20_000;
const LATE_MS = 1_000;
const LONGEST_UNTOLD_MS = 60_000;

export async function judge(
  ends: readonly Ended[],
  ledgerFolder: string,
  client: QuorateClient,
): Promise<Verdict> {
  const violations: string[] = [];
  const wrong = (asked: Ended['asked'], why: string): void =>
    void violations.push(`${asked.type}/${asked.id}: ${why}`);
  const lines = (await readFiles<LedgerLine>(ledgerFolder, 'ledger')).flat();
  const watches = await readFiles<WatchLine>(ledgerFolder, 'watch');
  const begun = Map.groupBy(watches.flat(), ({ vigil }) => vigil);
  const spent = Map.groupBy((await readFiles<SpendLine>(ledgerFolder, 'spend')).flat(), ({ run }) => run);
  let [cancelled, begunLate, spenders] = [0, 0, 0];
  const effects = new Map(lines.map((line) => [`${line.effect} ${line.key}`, line]));
  const byTransfer = Map.groupBy(effects.values(), ({ transfer }) => transfer);
  let compensated = 0;
  let transfers = 0;

  for (const { asked, output, error, cancelledAt } of ends) {
    if (error !== undefined) {
      wrong(asked, `is stuck: ${error}`);
      continue;
    }
    switch (asked.type) {
      case 'sleeper':
        if ((output as { rings?: number }).rings !== 5) wrong(asked, `ended with ${JSON.stringify(output)}`);
        break;
      case 'vigil': {
        cancelled += 1;
        const last = Math.max(0, ...(begun.get(asked.id) ?? []).map(({ begunAt }) => begunAt));
        const late = last - (cancelledAt ?? 0);
        if (late > LATE_MS) begunLate += 1;
        if (late > LONGEST_PAUSE_MS) wrong(asked, `a task was begun ${late} ms after it was cancelled`);
        if (watches.some((file) => isUntold(file, asked.id, cancelledAt ?? 0)))
          wrong(asked, 'an agent was not told that it was cancelled');
        break;
      }
      case 'spender': {
        spenders += 1;
        const paid = spent.get(asked.id)?.length ?? 0;
        const most = SPENDER_TOKENS / SPEND_TOKENS;
        if (paid > most) wrong(asked, `${paid} attempts were begun with a budget for ${most}`);
        const { ok = 0 } = output as { ok?: number };
        if (ok > most) wrong(asked, `${ok} answers with a budget for ${most}`);
        break;
      }
      case 'gather': {
        const sum = asked.input.items.reduce((total, item) => total + item * item, 0);
        const gathered = output as { status: string; ok: number; counts: { sum: number } };
        if (
          gathered.status !== 'gathered' ||
          gathered.counts.sum !== sum ||
          gathered.ok !== asked.input.items.length
        )
          wrong(asked, `gathered ${JSON.stringify(output).slice(0, 300)}, not ${sum}`);
        break;
      }
      case 'transfer': {
        transfers += 1;
        const status = (output as { status: string }).status;
        if (status === 'compensated') compensated += 1;
        const expected = asked.input.refuse ? 'compensated' : 'done';
        if (status !== expected) wrong(asked, `ended ${status}, not ${expected}`);
        const booked = byTransfer.get(asked.id) ?? [];
        const count = (effect: LedgerLine['effect']): number =>
          booked.filter((line) => line.effect === effect).length;
        if (count('debit') !== 1) wrong(asked, `${count('debit')} debits`);
        if (count('credit') !== (status === 'done' ? 1 : 0))
          wrong(asked, `${count('credit')} credits of a transfer that is ${status}`);
        if (count('refund') !== (status === 'done' ? 0 : 1))
          wrong(asked, `${count('refund')} refunds of a transfer that is ${status}`);
        const sum = booked.reduce((total, { amount }) => total + amount, 0);
        if (sum !== 0) wrong(asked, `money was ${sum > 0 ? 'made' : 'lost'}: ${sum}`);
      }
    }
  }
  const letters = await allLetters(client);
  const failed = new Set(
    ends.flatMap(({ asked }) =>
      asked.type === 'transfer' && asked.input.refuse ? [`transfer/${asked.id}`] : [],
    ),
  );
  for (const letter of letters) {
    if (!isErrorCode(letter.reason))
      violations.push(`dead letter ${letter.number}: its reason ${letter.reason} is no code`);
    // Only credits that were refused may have died; their transfers were compensated, as seen above.
    if (letter.agent !== 'credit' || letter.actor === undefined || !failed.has(letter.actor))
      violations.push(
        `dead letter ${letter.number} of ${letter.actor ?? 'nobody'}: ${letter.kind} ${letter.code} ${letter.description.slice(0, 200)}`,
      );
  }
  return {
    violations,
    transfers,
    compensated,
    effects: effects.size,
    repeated: lines.length - effects.size,
    deadLetters: letters.length,
    cancelled,
    begunLate,
    spenders,
  };
}

/** A file a process: one that wrote something much later lived on, and never told this task. */
function isUntold(file: readonly WatchLine[], vigil: string, cancelledAt: number): boolean {
  const lastAt = Math.max(...file.map(({ begunAt, toldAt = begunAt }) => toldAt));
  if (lastAt - cancelledAt < LONGEST_UNTOLD_MS) return false;
  const own = file.filter((line) => line.vigil === vigil);
  return (
    own.filter(({ toldAt }) => toldAt === undefined).length >
    own.filter(({ toldAt }) => toldAt !== undefined).length
  );
}

async function readFiles<Line>(folder: string, kind: string): Promise<Line[][]> {
  const files = (await readdir(folder)).filter((file) => file.startsWith(kind));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.map((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line),
  );
}

async function allLetters({ deadLetters }: QuorateClient): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page: { items: readonly DeadLetter[]; next?: number } = await deadLetters.list({
      from,
      limit: 500,
      all: true,
    });
    letters.push(...page.items);
    from = page.next;
  }
  return letters;
}
