import { serviceErrors } from '../../errors.ts';
import { arrayOf, types } from '../rhea.ts';
import { heldSession, type Operation, ok, queueOf, text, whole } from './operation.ts';

const STRING = 0xb1;
/** .NET's DateTime.MaxValue asks for sessions with messages instead of sessions with changed state. */
const FAR_FUTURE_MS = Date.UTC(9999, 0);

export const renewSessionLock: Operation = (call, respond) => {
  const hold = heldSession(call);
  const until = queueOf(call).sessions?.renew(hold) ?? 0;
  respond(ok({ expiration: types.wrap_timestamp(until) }));
};

export const setSessionState: Operation = (call, respond) => {
  const { session } = heldSession(call);
  const { id } = queueOf(call);
  const { core } = call.target;
  const state = call.body['session-state'];
  if (state !== null && state !== undefined && !Buffer.isBuffer(state)) {
    throw serviceErrors.invalid("'session-state' is not binary.");
  }
  if (state && state.length > core.limits.stateBytes)
    throw serviceErrors.tooLarge(state.length, core.limits.stateBytes);
  const updatedAt = core.alarms.now();
  core.commit({
    write: (store) => {
      if (state) store.setSessionState(id, session.id, state, updatedAt);
      else store.clearSessionState(id, session.id);
    },
    applied: () => {
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
      const state = core.store.sessionState(id, sessionId);
      respond(ok({ 'session-state': state ? types.wrap_binary(state) : null }));
    },
    refused: respond,
  });
};

export const getMessageSessions: Operation = (call, respond) => {
  const { sessions, id } = queueOf(call);
  if (!sessions) throw serviceErrors.notAllowed(`'${call.target.path}' has no sessions.`);
  const since = call.body['last-updated-time'];
  const after = since instanceof Date ? since.getTime() : 0;
  const skip = whole(call.body, 'skip');
  const withMessages = [...sessions.ids()].filter((name) => (sessions.get(name)?.messages ?? 0) > 0);
  const ids =
    after >= FAR_FUTURE_MS
      ? withMessages.sort()
      : [
          ...new Set([
            ...call.target.core.store.sessionsWithState(id, after),
            ...(after > 0 ? [] : withMessages),
          ]),
        ].sort();
  const page = ids.slice(skip, skip + whole(call.body, 'top'));
  respond(ok({ skip: skip + page.length, 'sessions-ids': arrayOf(page, STRING) }));
};
