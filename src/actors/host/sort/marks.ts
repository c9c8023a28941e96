// An error reply that a dead letter brought carries the letter's id. Once it is applied, one message a batch says what became
// of each: the letter's copy waits for a person only if nobody here dealt with it.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { REMEDIATION } from '../../../contract/entities.ts';
import type { LetterMark } from '../../../contract/letters.ts';
import type { CoreState, Verdict } from '../../../contract/turn.ts';
import { type InboundMessage, PROPERTY, WIRE_FORMAT } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import type { OutboxEntry } from '../state/session-state.ts';

interface Judged {
  readonly message: InboundMessage;
  readonly verdict: Verdict;
}

/**
 * Handled: a transition took it, a gather counted it, or nobody waits for it any more. The one whose turn ended the actor in error
 * is not: that is the last that was applied.
 */
export function marksOf(
  judged: readonly Judged[],
  before: CoreState | null,
  after: CoreState | null,
): LetterMark[] {
  const failed = after?.status === 'error' && before?.status !== 'error';
  const last = failed ? judged.findLastIndex(({ verdict }) => verdict.kind === 'applied') : -1;
  return judged.flatMap(({ message, verdict }, at) => {
    const letter = letterOf(message);
    if (letter === undefined || verdict.kind === 'early') return [];
    return [{ letter, handled: verdict.kind !== 'rejected' && at !== last }];
  });
}

/** What is meant for an earlier life is stale as well. */
export function strayMarks(messages: readonly InboundMessage[]): LetterMark[] {
  return messages.flatMap((message) => {
    const letter = letterOf(message);
    return letter === undefined ? [] : [{ letter, handled: true }];
  });
}

/** Repeats with other neighbours are harmless: the same is said again. */
export function markEntries(actor: ActorAddress, marks: readonly LetterMark[]): OutboxEntry[] {
  if (marks.length === 0) return [];
  const messageId = hashId('mark', formatAddress(actor), ...marks.map(({ letter }) => letter));
  return [
    {
      kind: 'message',
      message: {
        entity: REMEDIATION,
        subject: 'mark',
        messageId,
        properties: { [PROPERTY.format]: WIRE_FORMAT },
        body: { kind: 'mark', marks: marks.map((mark) => ({ ...mark })) },
      },
    },
  ];
}

function letterOf({ properties }: InboundMessage): string | undefined {
  const letter = properties[PROPERTY.letter];
  return typeof letter === 'string' ? letter : undefined;
}
