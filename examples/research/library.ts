// The steps of a publication, and how each is undone. Steps may run twice after a crash: each leaves the same however often it has run.
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentContext } from 'quorate';

type Step = { readonly input: { readonly topic: string; readonly report: string } };
type Agent = (step: Step, context: AgentContext) => Promise<null>;

/** Reports lie in folders of `root`, and their topics in its file `index`. */
export function createLibrary(root: string): Record<string, { readonly run: Agent }> {
  const folderOf = ({ input }: Step): string => join(root, encodeURIComponent(input.topic));
  const fileOf = (step: Step): string => join(folderOf(step), 'report.md');
  const index = join(root, 'index');
  const topics = async (): Promise<string[]> => {
    const text = await readFile(index, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };
  const steps: Record<string, (step: Step, context: AgentContext) => unknown> = {
    reserve: (step) => mkdir(folderOf(step), { recursive: true }),
    store: (step) => writeFile(fileOf(step), step.input.report),
    index: async ({ input: { topic } }) => {
      if (!(await topics()).includes(topic)) await appendFile(index, `${topic}\n`);
    },
    announce: ({ input: { topic } }, { logger }) => logger.info('a report is published', { topic }),
    unindex: async ({ input: { topic } }) => {
      const left = (await topics()).filter((one) => one !== topic);
      await writeFile(index, left.map((one) => `${one}\n`).join(''));
    },
    remove: (step) => rm(fileOf(step), { force: true }),
    release: (step) => rm(folderOf(step), { recursive: true, force: true }),
  };
  const toAgent =
    (step: (typeof steps)[string]): Agent =>
    async (...given) => {
      await step(...given);
      return null;
    };
  return Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, { run: toAgent(step) }]));
}
