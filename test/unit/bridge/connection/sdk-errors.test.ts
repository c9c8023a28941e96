import { describe, expect, it } from 'vitest';
import {
  isAlreadySettled,
  isConnectionLoss,
  isConnectionTrouble,
  isHeldElsewhere,
  isLockLost,
  isMessageGone,
  isNothingThere,
  isTooLarge,
  isWorthRepeating,
  isWrongKind,
  toQuorateError,
} from '../../../../src/bridge/connection/sdk-errors.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';

const sdk = (code: string, message = 'text'): Error => Object.assign(new Error(message), { code });

describe('errors', () => {
  it.each([
    ['QuotaExceeded', 'QUOTA_EXCEEDED'],
    ['MessageSizeExceeded', 'EFFECT_TOO_LARGE'],
    ['UnauthorizedAccess', 'UNAUTHORIZED'],
    ['MessagingEntityNotFound', 'TOPOLOGY_MISMATCH'],
    ['MessagingEntityDisabled', 'TOPOLOGY_MISMATCH'],
    ['ServiceBusy', 'CONNECTION_FAILED'],
    ['GeneralError', 'CONNECTION_FAILED'],
    ['ServiceTimeout', 'CONNECTION_FAILED'],
  ])('maps %s to %s', (from, to) => {
    const error = toQuorateError(sdk(from, 'why'), 'sending to a at host:1');
    expect(error.code).toBe(to);
    expect(error.message).toBe('sending to a at host:1 failed: why');
  });

  it.each([
    ['GeneralError', 'The link was detached: amqp:link:message-size-exceeded: 300000 bytes'],
    ['OperationTimeoutError', 'The received message exceeds the maximum message size of 262144'],
  ])('knows a size that is refused by what %s says', (code, message) => {
    const error = sdk(code, message);
    expect([isTooLarge(error), isWorthRepeating(error), isConnectionTrouble(error)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(toQuorateError(error, 'x').code).toBe('EFFECT_TOO_LARGE');
    expect(isTooLarge(sdk(code, 'the connection was closed'))).toBe(false);
  });

  it('sees through the AggregateError of several attempts, to the last', () => {
    const aggregate = new AggregateError([sdk('ServiceBusy'), new AggregateError([sdk('QuotaExceeded')])]);
    expect(toQuorateError(aggregate, 'x').code).toBe('QUOTA_EXCEEDED');
    expect(isWorthRepeating(aggregate)).toBe(false);
  });

  it('keeps an error that is ours already, and takes anything that is thrown', () => {
    const own = new QuorateError('EFFECT_TOO_LARGE', 'mine');
    expect(toQuorateError(own, 'x')).toBe(own);
    expect(toQuorateError('text', 'x')).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: 'x failed: text',
    });
    expect(toQuorateError(undefined, 'x').code).toBe('CONNECTION_FAILED');
  });

  it('repeats what was not reached or not answered, and nothing that was refused', () => {
    for (const code of ['GeneralError', 'ServiceTimeout', 'ServiceBusy', 'ServiceCommunicationProblem']) {
      expect(isWorthRepeating(sdk(code))).toBe(true);
    }
    for (const code of [
      'QuotaExceeded',
      'UnauthorizedAccess',
      'MessagingEntityNotFound',
      'MessageNotFound',
    ]) {
      expect(isWorthRepeating(sdk(code))).toBe(false);
    }
  });

  it('tells the answers apart that have a meaning of their own', () => {
    expect(isNothingThere(sdk('ServiceTimeout'))).toBe(true);
    expect(isHeldElsewhere(sdk('SessionCannotBeLocked'))).toBe(true);
    expect(isMessageGone(sdk('MessageNotFound'))).toBe(true);
    expect(isLockLost(sdk('SessionLockLost')) && isLockLost(sdk('MessageLockLost'))).toBe(true);
    expect(isLockLost(sdk('GeneralError'))).toBe(false);
    expect(isAlreadySettled(new Error('The message has either been deleted or already settled'))).toBe(true);
    const dropped = sdk('SessionLockLost', 'Error occurred on the AMQP connection while receiving messages.');
    expect(isConnectionLoss(dropped)).toBe(true);
    expect(isConnectionLoss(sdk('SessionLockLost', 'The session lock has expired.'))).toBe(false);
    expect(isWrongKind(sdk('GeneralError', 'InvalidOperationError: It is not possible'))).toBe(true);
  });

  it('blames the connection only for what is no answer', () => {
    expect(isConnectionTrouble(sdk('GeneralError'))).toBe(true);
    for (const code of ['ServiceTimeout', 'SessionCannotBeLocked', 'UnauthorizedAccess', 'SessionLockLost']) {
      expect(isConnectionTrouble(sdk(code))).toBe(false);
    }
  });
});
