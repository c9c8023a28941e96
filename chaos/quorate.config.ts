// One host process under chaos. Locks are the shortest that the service grants.
import { defineConfig } from 'quorate';
import { credit, debit, refund, spend, square, watch } from './agents.ts';

const machine = (name: string) => ({
  module: new URL('./work.machine.ts', import.meta.url),
  export: name,
  version: '1',
});

export const LOCK_MS = 5_000;
/** Work may be late for minutes where the processor is taken away; it is not to lapse. */
const DEADLINE_MS = 3_600_000;
const patient = { deadlineMs: DEADLINE_MS };

export const config = defineConfig({
  machines: {
    transfer: machine('transfer'),
    gather: machine('gather'),
    sleeper: machine('sleeper'),
    vigil: machine('vigil'),
    spender: machine('spender'),
  },
  agents: {
    debit: { ...debit, ...patient },
    credit: { ...credit, ...patient },
    refund: { ...refund, ...patient },
    square: { ...square, ...patient },
    spend: { ...spend, ...patient },
    watch: { ...watch, ...patient, timeoutMs: DEADLINE_MS },
  },
  lockDurationMs: LOCK_MS,
  inspectorPort: false,
  workers: 2,
});
