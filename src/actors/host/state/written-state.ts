// The session state as it is written: parked numbers as differences, texts within one budget for all. What is read may have
// been written by an earlier release, or by a later one, which this one must not touch (I14).
import { z } from 'zod';
import { cutText, writtenTextBytes } from '../../../contract/sizes.ts';
import { isNewerVersion } from '../../../contract/versions.ts';
import { peerName, shortHash } from '../sort/peers.ts';
import {
  BOUNDS,
  CONTROL_FORMAT,
  type Inbox,
  type Quarantine,
  type SessionState,
  STATE_FORMAT,
} from './session-state.ts';

export type WrittenState = Omit<SessionState, 'format' | 'quarantine'> & {
  readonly format: typeof STATE_FORMAT | typeof CONTROL_FORMAT;
  readonly quarantine?: Omit<Quarantine, 'parked'> & { readonly held: string };
};

export function toWritten(state: SessionState): WrittenState {
  const { quarantine, inbox, ...rest } = state;
  const cut = cutter(textsOf(state), BOUNDS.textBytes);
  return {
    ...rest,
    format: state.control === undefined ? STATE_FORMAT : CONTROL_FORMAT,
    inbox: { ...inbox, unsettled: inbox.unsettled.map((entry) => withTexts(entry, cut)) },
    ...(quarantine === undefined ? {} : { quarantine: toWrittenQuarantine(quarantine, cut) }),
  };
}

function toWrittenQuarantine(
  { parked, ...rest }: Quarantine,
  cut: (text: string) => string,
): NonNullable<WrittenState['quarantine']> {
  return { ...rest, code: cut(rest.code), message: cut(rest.message), held: toDifferences(parked) };
}

// Only the frame is checked here: it decides whether this build may touch the state at all (I14).
const frame = z.looseObject({ format: z.number().int(), type: z.string(), version: z.string() });

type DecodedState =
  | { readonly kind: 'none' }
  | { readonly kind: 'state'; readonly state: SessionState }
  | { readonly kind: 'foreign'; readonly why: string };

export function decodeState(
  raw: unknown,
  ownVersion: string,
  isRegistered: (version: string) => boolean,
  now: number,
): DecodedState {
  if (raw === null || raw === undefined) return { kind: 'none' };
  const parsed = frame.safeParse(raw);
  if (!parsed.success) return { kind: 'foreign', why: 'the session state was not written by Quorate' };
  const { format } = parsed.data;
  if (format < 1 || format > CONTROL_FORMAT)
    return { kind: 'foreign', why: `state format ${format}, this build reads ${CONTROL_FORMAT}` };
  const { version } = parsed.data;
  if (isNewerVersion(version, ownVersion) && !isRegistered(version)) {
    return { kind: 'foreign', why: `written by machine version ${version}, this host runs ${ownVersion}` };
  }
  return { kind: 'state', state: fromWritten(raw, now) };
}

/** Formats 1 and 2 knew peers and keys by name, peers without a time, and parked numbers as they are. */
function fromWritten(raw: unknown, now: number): SessionState {
  const { format, ...written } = raw as WrittenState & { readonly format: number };
  const { quarantine, inbox, ...rest } = written;
  return {
    ...rest,
    format: STATE_FORMAT,
    inbox: format < STATE_FORMAT ? modern(inbox, now) : inbox,
    ...(quarantine === undefined ? {} : { quarantine: fromWrittenQuarantine(quarantine) }),
  };
}

function fromWrittenQuarantine({
  held,
  ...rest
}: Omit<Quarantine, 'parked'> & { readonly held?: string | readonly number[] }): Quarantine {
  return { ...rest, parked: typeof held === 'string' ? fromDifferences(held) : (held ?? []) };
}

function modern({ unsettled, peers, keys }: Inbox, now: number): Inbox {
  return {
    unsettled,
    peers: peers.map(([name, turn, index]) => [peerName(name), turn, index, now] as const),
    keys: keys.map(([key, at]) => [keyName(key), at] as const),
  };
}

export function keyName(key: string): string {
  return shortHash('key', key);
}

/** Ascending numbers of one queue lie close together: a few characters each. */
export function toDifferences(numbers: readonly number[]): string {
  let last = 0;
  const parts: string[] = [];
  for (const number of numbers) {
    parts.push((number - last).toString(36));
    last = number;
  }
  return parts.join();
}

function fromDifferences(text: string): number[] {
  if (text === '') return [];
  let last = 0;
  return text.split(',').map((part) => {
    last += Number.parseInt(part, 36);
    return last;
  });
}

type Unsettled = Inbox['unsettled'][number];

function withTexts(entry: Unsettled, cut: (text: string) => string): Unsettled {
  const [number, disposition] = entry;
  if (disposition.kind !== 'deadLetter') return entry;
  const { reason, description } = disposition;
  return [number, { ...disposition, reason: cut(reason), description: cut(description) }];
}

function textsOf({ inbox, quarantine }: SessionState): string[] {
  const texts = inbox.unsettled.flatMap(([, disposition]) =>
    disposition.kind === 'deadLetter' ? [disposition.reason, disposition.description] : [],
  );
  if (quarantine !== undefined) texts.push(quarantine.code, quarantine.message);
  return texts;
}

/** Cuts the longest texts alike, to the length at which all of them fit into the budget. */
function cutter(texts: readonly string[], budget: number): (text: string) => string {
  let left = budget;
  const lengths = texts.map(writtenTextBytes).sort((a, b) => a - b);
  for (const [at, length] of lengths.entries()) {
    const share = Math.floor(left / (lengths.length - at));
    if (length > share) return (text) => cutText(text, share);
    left -= length;
  }
  return (text) => text;
}
