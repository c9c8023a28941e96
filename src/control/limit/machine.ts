// The limiter as an actor: its state is the reducer's, its session the lock, its answers leave with the commit.
import { controlMachine } from '../machine.ts';
import { reduceLimit } from './limiter.ts';

export const limit = controlMachine('limit', reduceLimit);
