// Credits a second, as a namespace of the standard tier has them; switched on to see how clients back off.
import { type ServiceError, serviceErrors } from '../errors.ts';

/** Credits a second, as a namespace of the standard tier has them; switched on to see how clients back off. */
export class Throttle {
  readonly #perSecond: number;
  readonly #now: () => number;
  #credits: number;
  #filledAt: number;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#credits = perSecond;
    this.#filledAt = now();
  }

  /** One credit an operation, or a message. */
  take(credits = 1): ServiceError | undefined {
    const now = this.#now();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#credits = Math.min(this.#perSecond, this.#credits + Math.max(earned, 0));
    this.#filledAt = now;
    // A batch larger than a second's credits passes when they are all there.
    if (this.#credits < Math.min(credits, this.#perSecond)) return serviceErrors.serverBusy();
    this.#credits = Math.max(this.#credits - credits, 0);
    return undefined;
  }
}
