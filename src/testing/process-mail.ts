// What processes are told by the actors that all share, each in a session of its own: a world is not settled before what was sent to a
// process that lives has come. The broker counts what lies in all of these sessions together, those of the dead too.
import { REPLIES } from '../contract/entities.ts';
import type { InboundMessage, WireMessage } from '../contract/wire.ts';

interface Session {
  readonly come: Set<string>;
  readonly sent: Set<string>;
}

/** Of one process. */
export interface ProcessBox {
  /** It has begun to read this session. */
  reads(sessionId: string): void;
  /** By any process, once the broker has them. */
  sent(messages: readonly WireMessage[]): void;
  came(message: InboundMessage): void;
  /** The process is gone: nobody reads them any more. */
  close(): void;
}

export class ProcessMail {
  readonly #sessions = new Map<string, Session>();

  /** Nothing is on its way to a process that reads. */
  get isRead(): boolean {
    return [...this.#sessions.values()].every(({ sent }) => sent.size === 0);
  }

  open(): ProcessBox {
    const own = new Set<string>();
    return {
      reads: (sessionId) => {
        own.add(sessionId);
        this.#sessions.set(sessionId, { come: new Set(), sent: new Set() });
      },
      sent: (messages) => {
        for (const { entity, sessionId = '', messageId } of messages) {
          const session = entity === REPLIES ? this.#sessions.get(sessionId) : undefined;
          // It may have come before its sender knew that it is sent; a repeat of it never comes.
          if (session?.come.has(messageId) === false) session.sent.add(messageId);
        }
      },
      came: ({ sessionId = '', messageId }) => {
        const session = this.#sessions.get(sessionId);
        session?.come.add(messageId);
        session?.sent.delete(messageId);
      },
      close: () => {
        for (const sessionId of own) this.#sessions.delete(sessionId);
      },
    };
  }
}
