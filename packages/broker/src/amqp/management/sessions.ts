// Management operations of sessions: renew the lock, get and set the state, list sessions.
import { serviceErrors } from '../../errors.ts';
import { arrayOf, types } from '../rhea.ts';
import { heldSession, NO_CONTENT, type Operation, ok, queueOf, text, whole } from './operation.ts';

const STRING = 0xb1;
/**
 * What .NET's DateTime.MaxValue is on the wire asks for all that have messages or a state, an earlier time for those with
 * a state changed since (azure-sdk-for-go, client_list_sessions_live_test.go; azure-sdk-for-js, listMessageSessions.spec.ts).
 */
const FAR_FUTURE_MS = 253_402_300_800_000;

export const renewSessionLock: Operation = (call, respond) => {
  const hold = heldSession(call);
  const { core, sessions } = queueOf(call);
  const until = sessions?.renew(hold) ?? 0;
  respond(ok({ expiration: types.wrap_timestamp(core.onClients(until)) }));
};

export const setSessionState: Operation = (call, respond) => {
  const { session } = heldSession(call);
  const queue = queueOf(call);
  const { core, home } = call.target;
  const given = call.body['session-state'];
  if (given !== null && given !== undefined && !Buffer.isBuffer(given)) {
    throw serviceErrors.invalid("'session-state' is not binary.");
  }
  const state = given?.length ? given : undefined;
  if (state && state.length > core.limits.stateBytes)
    throw serviceErrors.tooLarge(state.length, core.limits.stateBytes);
  const full = home && state && home.bytes + state.length > home.intake.settings.maxBytes;
  if (full && state.length > core.store.sessionStateSize(queue.id, session.id))
    throw serviceErrors.entityFull(home.path);
  const updatedAt = core.alarms.now();
  let grown = 0;
  core.commit({
    write: (store) => {
      grown = store.setSessionState(queue.id, session.id, state, updatedAt);
    },
    applied: () => {
      queue.stateBytes += grown;
      core.counters.add('state.writes');
      respond(ok());
    },
    refused: respond,
  });
};

export const getSessionState: Operation = (call, respond) => {
  const { id } = queueOf(call);
  const sessionId = text(call.body, 'session-id');
  const { core } = call.target;
  core.counters.add('state.reads');
  // In line with the writes before it.
  core.commit({
    applied: () => {
      respond(() => {
        const state = core.store.sessionState(id, sessionId);
        return ok({ 'session-state': state ? types.wrap_binary(state) : null });
      });
    },
    refused: respond,
  });
};

export const getMessageSessions: Operation = (call, respond) => {
  const { sessions, id } = queueOf(call);
  if (!sessions) throw serviceErrors.notAllowed(`'${call.target.path}' has no sessions.`);
  const since = call.body['last-updated-time'];
  const after = since instanceof Date ? since.getTime() : FAR_FUTURE_MS;
  const skip = whole(call.body, 'skip');
  const { store } = call.target.core;
  const page = store.sessions(id, after >= FAR_FUTURE_MS ? undefined : after, skip, whole(call.body, 'top'));
  if (page.length === 0) return respond({ status: NO_CONTENT });
  respond(ok({ skip: skip + page.length, 'sessions-ids': arrayOf(page, STRING) }));
};
