// What a deployment would do to the actors that live: by type, version and state, what the machines of another configuration make of them.
// Nothing is asked of the actors and nothing is changed.
import type { Json } from '../../contract/json.ts';
import { isNewerVersion } from '../../contract/versions.ts';
import { compareState, isChanged, NO_CHANGE, type StateChange } from './states.ts';

/** Living actors of one type and version in one state. */
export interface LivingState {
  readonly type: string;
  readonly version: string;
  /** State value. */
  readonly value: Json;
  readonly count: number;
}

/** A machine of the next configuration. */
export interface NextMachine {
  readonly version: string;
  readonly definition: Json;
  /** Versions that stay in use. */
  readonly older: ReadonlySet<string>;
  /** It has a function that moves actors of others. */
  readonly migrates: boolean;
}

/**
 * - `stays`: as it is; `moves`: to the new version, losing nothing; `migrates`: by the machine's own function, whose result is not known here.
 * - `changes`: to a new version, or to other contents of the same version, with what is named.
 * - `stranded`: it would stand still: quarantined, or no host takes it.
 */
export type Fate = 'stays' | 'moves' | 'migrates' | 'changes' | 'stranded';

export interface Verdict extends LivingState {
  readonly fate: Fate;
  readonly next?: string;
  readonly why: string;
  readonly change: StateChange;
}

export interface CheckInput {
  readonly living: readonly LivingState[];
  readonly next: ReadonlyMap<string, NextMachine>;
  /** As it was told when it ran; undefined where it was not. */
  readonly definitionOf: (type: string, version: string) => Json | undefined;
}

/** In the order of `living`. */
export function checkDeployment({ living, next, definitionOf }: CheckInput): readonly Verdict[] {
  return living.map((state) =>
    verdictOf(state, next.get(state.type), definitionOf(state.type, state.version)),
  );
}

function verdictOf(state: LivingState, machine: NextMachine | undefined, before: Json | undefined): Verdict {
  const verdict = (fate: Fate, why: string, change = NO_CHANGE): Verdict => ({
    ...state,
    fate,
    why,
    change,
    ...(machine === undefined ? {} : { next: machine.version }),
  });
  if (machine === undefined) return verdict('stranded', 'the configuration has no such machine');
  const { version, definition, older, migrates } = machine;
  if (older.has(state.version)) return verdict('stays', `version ${state.version} stays in use`);
  if (isNewerVersion(state.version, version))
    return verdict(
      'stranded',
      `version ${state.version} is newer than ${version}: these hosts leave it alone`,
    );
  const isSame = state.version === version;
  if (!isSame && migrates) return verdict('migrates', 'by the `migrate` of the machine; try it in a test');
  const change = compareState(before, definition, state.value);
  if (change.isGone) return verdict('stranded', `version ${version} has no such state`, change);
  if (!isSame && change.lostWork.length > 0)
    return verdict(
      'stranded',
      `moving would lose ${change.lostWork.join(', ')}: give the machine a \`migrate\``,
      change,
    );
  if (isChanged(change))
    return verdict(
      'changes',
      isSame ? 'its machine is another one under the same version' : 'it moves',
      change,
    );
  if (isSame) return verdict('stays', 'the same version');
  return verdict(
    'moves',
    before === undefined
      ? 'its old machine was not told, so only its state was compared'
      : 'nothing of it is lost',
  );
}
