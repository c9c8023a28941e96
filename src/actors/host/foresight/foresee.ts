// What the redrive of dead letters would come to, asked like a query: the holder of the actor reads the letters, tries them out on the
// committed state, in its pool, and answers. Nothing is committed, not even what the holder before left undone; the session
// continues meanwhile. Letters are applied one on another, as far as it can be known: an answer of an agent cannot (docs/decisions/0170).
import { REMEDIATION } from '../../../contract/entities.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Foresight } from '../../../contract/foresight.ts';
import type { Bridge, DeferredStore } from '../../../contract/ports.ts';
import { type InboundMessage, PROPERTY } from '../../../contract/wire.ts';
import { parseActorBody, parseOfferBody } from '../../protocol/messages.ts';
import { isOwnMessage, redriven } from '../../protocol/redrive.ts';
import { claimEntries } from '../commit/claim-entries.ts';
import { answer } from '../commit/verdicts.ts';
import type { HeldActor } from '../held-actor.ts';
import { stateMoved } from '../machine-version.ts';
import { completed, type Settlement } from '../settle.ts';
import { hasLostCore } from '../standstill/lost-core.ts';
import type { OutboxEntry } from '../state/session-state.ts';
import { asksSomebody } from './foreseen-effects.ts';
import { foreseeTask } from './foreseen-task.ts';
import { rehearse, type Scene, storesNothing } from './rehearse.ts';

/** Of what its asker waits: the rest is for the way of the answer, and for a turn that runs into its time limit. */
const SHARE = 0.5;
/** Letters that are asked for at once. */
const MOST_LETTERS = 256;

/** Letters by number, without a lock. Opened with the first one. */
export function lettersOf(bridge: Pick<Bridge, 'deferredStore'>): Pick<DeferredStore, 'browse'> {
  let opened: DeferredStore | undefined;
  return { browse: (page) => (opened ??= bridge.deferredStore(REMEDIATION)).browse(page) };
}

export function asksForesight({ subject, properties }: InboundMessage): boolean {
  return subject === 'query' && typeof properties[PROPERTY.foresee] === 'string';
}

/** Begins with each, and does not wait: a turn that loops holds up nothing of the session. */
export function answerForesight(held: HeldActor, messages: readonly InboundMessage[]): Settlement[] {
  for (const message of messages) {
    void answerOne(held, message).catch((thrown: unknown) => {
      const { code, message: reason } = toErrorJson(thrown, 'INTERNAL');
      held.host.logger.debug('a foresight was not told', { code, reason, actor: held.name });
    });
  }
  return messages.map(completed);
}

async function answerOne(held: HeldActor, message: InboundMessage): Promise<void> {
  const { host, address } = held;
  const parsed = parseActorBody(message);
  if (!parsed.ok || parsed.body.kind !== 'query') return;
  const { [PROPERTY.patience]: patience, [PROPERTY.foresee]: asked } = message.properties;
  const until = typeof patience === 'number' ? message.enqueuedAt + patience : Number.POSITIVE_INFINITY;
  const now = host.clock.now();
  if (now > until) return;
  const numbers = String(asked).split(',').map(Number).slice(0, MOST_LETTERS);
  // A host died of it: it is not tried again (I7).
  const letters =
    message.deliveryCount > 0
      ? numbers.map(() => unknown('the host was gone when it was tried out'))
      : await foresee(held, numbers, now + (until - now) * SHARE);
  const told = answer(message, parsed.body.asker, { kind: 'answer', answer: 'foresight', letters });
  const incarnation = held.state.core?.incarnation ?? '';
  await host.bridge.publish((await claimEntries([told], host, address, incarnation)).flatMap(messageOf));
}

function messageOf(entry: OutboxEntry) {
  return entry.kind === 'message' ? [entry.message] : [];
}

function unknown(why: string, after?: number): Foresight {
  return { would: 'unknown', why, ...(after === undefined ? {} : { after }) };
}

/** What is known of the scene: the last letter whose turn was not computed, or whose answer is not known. */
interface Series {
  scene: Scene;
  /** An agent or a child is asked: its answer comes before the next event, or after it. */
  answer?: { readonly number: number; readonly of: string };
  /** From here on nothing is known. */
  lost?: { readonly number: number; readonly why: string };
}

async function foresee(held: HeldActor, numbers: readonly number[], until: number): Promise<Foresight[]> {
  const { state, address, name, newborn, epoch, inbound, olderPeers } = held;
  const host = { ...held.host, payloads: storesNothing(held.host.payloads) };
  const { logger, clock } = host;
  const scene: Scene = { state, host, address, name, newborn, epoch, inbound, olderPeers };
  const told: Foresight[] = [];
  try {
    if (hasLostCore(state)) return numbers.map(() => lostCore(state.quarantine));
    const series: Series = { scene: { ...scene, state: await stateMoved(scene) } };
    for (const number of numbers) {
      if (clock.now() > until) break;
      const [letter] = await host.letters.browse({ from: number, max: 1 });
      const isThere = letter?.sequenceNumber === number && !isOwnMessage(letter);
      told.push(
        isThere ? await foreseeOne(series, letter, told.length) : unknown('it is not there any more'),
      );
    }
  } catch (thrown) {
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    logger.debug('a foresight ended early', { code, reason: message, actor: name });
    told.push(unknown(`${code}: ${message}`));
  }
  const rest = numbers.length - told.length;
  return [...told, ...Array.from({ length: rest }, () => unknown('there was no time left to try it out'))];
}

function lostCore({ code = 'PAYLOAD_NOT_FOUND', message = '' } = {}): Foresight {
  return { would: 'wait', why: `the state of the actor cannot be read: ${code}: ${message}` };
}

async function foreseeOne(series: Series, letter: InboundMessage, at: number): Promise<Foresight> {
  const { scene } = series;
  const { sequenceNumber: number, subject } = letter;
  if (series.lost !== undefined) return unknown(series.lost.why, series.lost.number);
  const sent = redriven(letter, scene.host.clock.now());
  // The number is none of the broker's: the state names no such message.
  const message: InboundMessage = {
    ...letter,
    ...sent,
    properties: sent.properties ?? {},
    sequenceNumber: -1 - at,
  };
  const again = { ...message, deliveryCount: 0, enqueuedAt: scene.host.clock.now() };
  if (subject === 'task') {
    const foresight = await foreseeTask(scene, again, letter);
    const isAnswered = foresight.would === 'run' || foresight.would === 'answer';
    if (isAnswered && foresight.awaited) series.answer ??= { number, of: `agent ${foresight.agent}` };
    return foresight;
  }
  if (subject === 'action') {
    const { name = '' } = sent.body as { readonly name?: string };
    return { would: 'act', action: name };
  }
  if (series.answer !== undefined) {
    const why = `the answer of ${series.answer.of} comes before it, or after it`;
    series.lost = { number: series.answer.number, why };
    return unknown(why, series.answer.number);
  }
  const delivered = subject === 'offer' ? asReply(again) : again;
  if (delivered === undefined)
    return {
      would: 'fail',
      error: { code: 'INPUT_INVALID', message: 'it is no offer that this build knows' },
    };
  const { foresight, state, result } = await rehearse(scene, delivered);
  series.scene = { ...scene, state };
  const of = result === undefined ? undefined : asksSomebody(result.effects);
  if (of !== undefined) series.answer = { number, of };
  return foresight;
}

/** An offer comes to its asker as its reply (agents/offers.ts). */
function asReply(message: InboundMessage): InboundMessage | undefined {
  const parsed = parseOfferBody(message);
  if (!parsed.ok) return undefined;
  const { execution, branch, value, expiresAt } = parsed.body;
  const outcome = { status: 'done', output: value };
  const place = branch === null ? { execution } : { execution, branch };
  return { ...message, subject: 'reply', body: { kind: 'reply', ...place, outcome, expiresAt } };
}
