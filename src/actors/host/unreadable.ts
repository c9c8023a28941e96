// An actor whose state lies in a payload store that does not answer now. Nothing may be applied, and nothing is lost: its messages
// stay where they are, in order, for a host that can read it. Only a purge needs no state.
import type { ErrorJson } from '../../contract/outcome.ts';
import type { HeldSession } from '../../contract/ports.ts';
import { parseActorBody } from '../protocol/messages.ts';
import { answer } from './answer.ts';
import { HeldActor, STUCK_PAUSE_MS, TAKE } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { publish } from './publish.ts';
import type { SessionState } from './session-state.ts';
import { completed } from './settle.ts';

export async function holdUnreadable(
  session: HeldSession,
  host: ActorHost,
  state: SessionState,
  { code, message }: ErrorJson,
): Promise<void> {
  const held = new HeldActor(session, host, { state });
  host.logger.error(`the state cannot be read: ${message}`, { code, actor: held.name });
  const taken = await session.take(TAKE);
  if (taken.kind !== 'messages') return;
  for (const found of taken.messages) {
    const parsed = found.subject === 'purge' ? parseActorBody(found) : undefined;
    if (parsed?.ok !== true || parsed.body.kind !== 'purge') continue;
    await held.purge();
    await publish(held, [answer(found, parsed.body.asker, { kind: 'answer', answer: 'purged' })]);
    return held.settler.settleNow([completed(found)]);
  }
  await new Promise((resolve) => setTimeout(resolve, STUCK_PAUSE_MS));
}
