// What a client adds to the budget of a run: committed with its answer, and with a line in the log that says who. Work that waited for
// it leaves.
import { formatAddress } from '../../../contract/address.ts';
import type { AnswerBody } from '../../../contract/wire.ts';
import { answer, notFound } from '../commit/verdicts.ts';
import type { HeldActor } from '../held-actor.ts';
import { publishCommitted, sendAnswers } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import type { TopUpRequest } from '../sort/sort.ts';
import { isStandingStill, park } from '../standstill/quarantine.ts';
import type { OutboxEntry, SessionState } from '../state/session-state.ts';
import { goOn } from '../unsent/unsent.ts';
import { concludeBudget, reportBudget, toppedUp } from './budget.ts';

/** Gives how the messages are to be settled. */
export async function takeTopUps(
  held: HeldActor,
  requests: readonly TopUpRequest[],
): Promise<readonly Settlement[]> {
  const messages = requests.map(({ message }) => message);
  if (isStandingStill(held.state)) return park(held, messages);
  const { host, address: actor } = held;
  const now = host.clock.now();
  const settlements = messages.map(completed);
  let state: SessionState = { ...held.state, outbox: [] };
  const answers: OutboxEntry[] = [];
  for (const request of requests) {
    const { message, body } = request;
    const { asker, by, microUsd, tokens } = body;
    const { core, control } = state;
    if (core === null) {
      answers.push(notFound(message, asker, actor));
      continue;
    }
    if (control?.budget === undefined || core.status !== 'active') {
      answers.push(answer(message, asker, notBudgeted(held.name, core.status)));
      continue;
    }
    const budget = toppedUp(control.budget, { at: now, by, microUsd, tokens });
    state = { ...state, control: { ...control, budget } };
    const report = reportBudget({ ...control, budget });
    if (report !== undefined)
      answers.push(answer(message, asker, { kind: 'answer', answer: 'budget', budget: report }));
    const fields = { actor: formatAddress(actor), by, microUsd, tokens };
    host.logger.info(`audit: the budget was topped up by ${by === '' ? 'somebody' : by}`, fields);
  }
  if (state.core === null) {
    await sendAnswers(held, answers);
    return settlements;
  }
  const going = goOn({ ...state, outbox: answers }, { actor, gates: host.gates, now });
  const { inbox, forgets } = held.recorded(settlements);
  await held.commit({ ...concludeBudget(going, actor, now), inbox }, forgets);
  await publishCommitted(held);
  return settlements;
}

function notBudgeted(name: string, status: string): AnswerBody {
  const why = status === 'active' ? 'was started without a budget' : `has ended: ${status}`;
  return { kind: 'answer', answer: 'error', error: { code: 'BUDGET_INVALID', message: `${name} ${why}` } };
}
