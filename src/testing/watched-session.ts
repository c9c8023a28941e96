// A held session as a simulated process has it.
import type { Json } from '../contract/json.ts';
import type { Disposition, HeldSession, Taken } from '../contract/ports.ts';
import type { InboundMessage } from '../contract/wire.ts';
import { PROPERTY } from '../contract/wire.ts';
import type { Life } from './life.ts';
import type { Act } from './places.ts';
import { steadyName } from './steady.ts';

export class WatchedSession implements HeldSession {
  readonly entity: string;
  readonly sessionId: string;
  readonly #session: HeldSession;
  readonly #life: Life;
  /** Settlements leave in the order in which they were asked for (I5), also while one of them is struck. */
  #order: Promise<unknown> = Promise.resolve();
  /** What was given back in the middle of a window comes again behind the rest. */
  readonly #abandoned: InboundMessage[] = [];
  /** The session knows its messages by identity. */
  readonly #originals = new Map<InboundMessage, InboundMessage>();

  constructor(session: HeldSession, life: Life) {
    this.entity = session.entity;
    this.sessionId = session.sessionId;
    this.#session = session;
    this.#life = life;
  }

  async readState(): ReturnType<HeldSession['readState']> {
    return (await this.#life.awake()) ? this.#session.readState() : { kind: 'lost' };
  }

  async take(options: { readonly max: number; readonly idleMs: number }): Promise<Taken> {
    if (this.#abandoned.length > 0) return { kind: 'messages', messages: this.#abandoned.splice(0) };
    const taken = await this.#session.take(options);
    if (!(await this.#life.awake())) return { kind: 'lost' };
    if (taken.kind !== 'messages' || taken.messages.length < 2) return taken;
    let messages = taken.messages;
    const abandon = (): void => {
      const [first, ...rest] = messages as readonly [InboundMessage, ...InboundMessage[]];
      messages = rest;
      const again = { ...first, deliveryCount: first.deliveryCount + 1 };
      this.#originals.set(again, first);
      this.#abandoned.push(again);
    };
    return (await this.#life.pass({ ...this.#act('window'), abandon }))
      ? { kind: 'messages', messages }
      : { kind: 'lost' };
  }

  async commit(state: Json): Promise<'committed' | 'lost'> {
    if (!(await this.#life.pass(this.#act('before-write')))) return 'lost';
    if ((await this.#session.commit(state)) === 'lost') return 'lost';
    return (await this.#life.pass(this.#act('after-write'))) ? 'committed' : 'lost';
  }

  async settle(message: InboundMessage, disposition: Disposition): Promise<'settled' | 'lost'> {
    const id = { entity: this.entity, session: this.sessionId, id: message.messageId };
    const act = { ...this.#act('before-complete'), messages: isKnownAgain(message) ? [id] : [] };
    const passed = this.#order.then(() => this.#life.pass(act));
    // Begun in order, not waited for.
    const settled = passed.then((alive) =>
      alive ? { end: this.#session.settle(this.#originals.get(message) ?? message, disposition) } : undefined,
    );
    this.#order = settled.catch(() => {});
    return (await (await settled)?.end) ?? 'lost';
  }

  async receiveDeferred(sequenceNumbers: readonly number[]): Promise<readonly InboundMessage[]> {
    return (await this.#life.awake()) ? this.#session.receiveDeferred(sequenceNumbers) : [];
  }

  async peekScheduled(): Promise<readonly InboundMessage[]> {
    return (await this.#life.awake()) ? this.#session.peekScheduled() : [];
  }

  #act(step: Act['step']): Act {
    const { entity, sessionId: session } = this;
    return {
      step,
      where: steadyName(`${entity.replace(/^actor\./, '')}/${session}`),
      lock: { entity, session },
    };
  }
}

/** A caller's event has no name of its own without a key; Service Bus brings nothing back that it has completed. */
function isKnownAgain({ subject, properties }: InboundMessage): boolean {
  return subject !== 'event' || PROPERTY.from in properties || PROPERTY.key in properties;
}
