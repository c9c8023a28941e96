// Admission as an actor: there is one, for all processes of a deployment.
import { controlMachine } from '../machine.ts';
import { reduceAdmission } from './admission.ts';

export const admission = controlMachine('admission', reduceAdmission);
