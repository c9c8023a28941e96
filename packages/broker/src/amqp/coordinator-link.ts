/** A client's link to the coordinator: declares and discharges transactions. */
import { verifiedMessage } from '../codec/verify-message.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import { settleDelivery } from './dispositions.ts';
import { accepted, rejected } from './outcomes.ts';
import { type Delivery, localAttach, type Receiver } from './rhea.ts';
import { coordinator, coordinatorRequest, declared } from './transactional-state.ts';
import type { Transactions } from './transactions.ts';

const CREDIT = 100;

export function serveCoordinator(receiver: Receiver, transactions: Transactions): void {
  localAttach(receiver).target = coordinator();
  receiver.add_credit(CREDIT);
  receiver.on('message', ({ message, delivery }) => {
    receiver.add_credit(1);
    const answer = (state: unknown) => settleDelivery(delivery as Delivery, state);
    const request = toRequest(message);
    if (request instanceof ServiceError) return answer(rejected(request));
    if (request.kind === 'declare') {
      const id = transactions.declare(receiver);
      return answer(id instanceof ServiceError ? rejected(id) : declared(id));
    }
    transactions.discharge(request.id, request.fail, (error) => answer(error ? rejected(error) : accepted));
  });
}

function toRequest(encoded: Buffer) {
  try {
    const request = coordinatorRequest(verifiedMessage(encoded));
    if (request) return request;
  } catch {
    // Whatever it is, it is not a request.
  }
  return serviceErrors.invalid('A coordinator takes declare and discharge.');
}
