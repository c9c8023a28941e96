// What may be done with an actor, and why not: a control that cannot be used stays where it is and says the reason.
import { type ActorRow, ROLES, type Role } from '../../protocol.ts';

export type ActionName = 'send' | 'cancel' | 'release' | 'top-up' | 'purge';

const NEEDED: Readonly<Record<ActionName, Role>> = {
  send: 'operator',
  cancel: 'operator',
  release: 'operator',
  'top-up': 'operator',
  purge: 'admin',
};

export const ACTIONS = Object.keys(NEEDED) as readonly ActionName[];

/** Why this cannot be done now; undefined: it can. */
export function whyNot(
  action: ActionName,
  actor: Pick<ActorRow, 'status' | 'shown'>,
  role: Role,
): string | undefined {
  const needed = NEEDED[action];
  if (ROLES.indexOf(role) < ROLES.indexOf(needed))
    return `Needs the role ${needed}; your token is of a ${role}.`;
  const isLive = actor.status === 'active';
  switch (action) {
    case 'release':
      return actor.shown === 'quarantined' ? undefined : 'It does not stand still.';
    case 'purge':
      return isLive ? 'It still lives: cancel it first.' : undefined;
    case 'send':
    case 'cancel':
    case 'top-up':
      return isLive ? undefined : 'It has ended.';
  }
}

/** Why a question cannot be answered, or a letter sent again; undefined: it can. */
export function mayAnswer(role: Role): string | undefined {
  return role === 'reader' ? 'Needs the role operator; your token is of a reader.' : undefined;
}
