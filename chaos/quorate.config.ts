// One host process under chaos. Locks are the shortest that the service grants.
import { defineConfig } from 'quorate';
import { credit, debit, refund, square } from './agents.ts';

const machine = (name: string) => ({
  module: new URL('./work.machine.ts', import.meta.url),
  export: name,
  version: '1',
});

export const LOCK_MS = 5_000;

export const config = defineConfig({
  machines: { transfer: machine('transfer'), gather: machine('gather'), sleeper: machine('sleeper') },
  agents: { debit, credit, refund, square },
  lockDurationMs: LOCK_MS,
  inspectorPort: false,
  workers: 2,
});
