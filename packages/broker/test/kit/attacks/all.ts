// Every attack there is.
import type { Attack } from './attack.ts';
import { crowds } from './crowds.ts';
import { floods } from './floods.ts';
import { frames } from './frames.ts';
import { handshakes } from './handshakes.ts';
import { holding } from './holding.ts';

export const ATTACKS: readonly Attack[] = [...frames, ...handshakes, ...crowds, ...holding, ...floods];
