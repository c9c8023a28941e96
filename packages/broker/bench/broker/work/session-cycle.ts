// What a host does for one actor: accept the next session, read its state, receive a message, write the state, complete, close.
import { SESSION_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';
import { BODY, inFlight } from './messages.ts';

const SESSIONS_AT_ONCE = 16;
const WAIT_MS = 5_000;

export const sessionCycle: Work = ({ client }, count) =>
  inFlight(SESSIONS_AT_ONCE, count, async () => {
    const session = await client.acceptNextSession(SESSION_QUEUE);
    await session.getSessionState();
    const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: WAIT_MS });
    if (message === undefined) throw new Error(`session ${session.sessionId} has no message`);
    await session.setSessionState(BODY);
    await session.completeMessage(message);
    await session.close();
  });
