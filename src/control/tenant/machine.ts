// The budget of a tenant as an actor: its state is the reducer's, its session the lock, its grants leave with the commit.
import { controlMachine } from '../machine.ts';
import { reduceTenant } from './tenant.ts';

export const tenant = controlMachine('tenant', reduceTenant);
