// The open questions of a machine type as an actor: its state is the reducer's, its session the lock.
import { controlMachine } from '../machine.ts';
import { reduceAsks } from './asks.ts';

export const asks = controlMachine('asks', reduceAsks);
