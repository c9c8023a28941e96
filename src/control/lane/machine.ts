// The lane as an actor: its state is the reducer's, its session the lock, its grants leave with the commit.
import { controlMachine } from '../machine.ts';
import { reduceLane } from './lane.ts';

export const lane = controlMachine('lane', reduceLane);
