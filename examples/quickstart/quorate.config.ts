import { defineConfig, defineMachine } from 'quorate';
import type { Summary, summary } from './summary.machine.ts';

const summarize = (text: string): Summary => ({
  words: text.split(/\s+/).length,
  opening: text.split(/(?<=[.!?])\s/)[0] ?? text,
});

const module = new URL('./summary.machine.ts', import.meta.url);
const machine = { module, export: 'summary', version: '1' };

export const config = defineConfig({
  machines: { summary: defineMachine<typeof summary>(machine) },
  agents: { summarize: { run: summarize } },
});
