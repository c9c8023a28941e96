// Dead links and anchors in Markdown, and notes that were left behind anywhere.
import type { AgentContext, Json } from 'quorate';
import { checkLink, type LinkVerdict } from '../lib/link-check.ts';
import { linksOf } from '../lib/markdown.ts';
import { staleNotes } from '../lib/notes.ts';
import { answer, type ReviewTask, readTask, readText } from '../lib/review-file.ts';
import { asJson } from '../lib/run-folder.ts';
import { excerptsOf } from '../lib/secret-patterns.ts';
import type { Finding, Severity } from '../protocol.ts';

type Found = Omit<Finding, 'file' | 'agent'>;

const MARKDOWN = /\.(?:md|markdown|mdx)$/i;

const LINK_SEVERITY: Record<Exclude<LinkVerdict['kind'], 'fine'>, Severity> = {
  'dead-link': 'medium',
  'dead-anchor': 'low',
  outside: 'low',
};

const LINK_RULE = {
  'dead-link': 'dead-link',
  'dead-anchor': 'dead-anchor',
  outside: 'link-outside',
} as const;

export async function docs(input: Json, context: AgentContext): Promise<Json> {
  const task = readTask(input);
  const text = (await readText(task.path)) ?? '';
  const prose = MARKDOWN.test(task.path);
  const lines = text.split('\n');
  const excerpt = excerptsOf(text);
  const notes = staleNotes(text, prose, task.place.today);
  const links = prose ? await deadLinks(task, text, context.signal) : [];
  const found = [...notes, ...links].map((one) => ({
    ...one,
    // A link can hold a secret too.
    message: excerpt(one.message),
    excerpt: excerpt(lines[one.line - 1] ?? ''),
  }));
  return asJson(await answer(task, 'docs', found, context));
}

async function deadLinks({ path, place }: ReviewTask, text: string, signal: AbortSignal): Promise<Found[]> {
  const dead: Found[] = [];
  for (const { line, target } of linksOf(text)) {
    signal.throwIfAborted();
    const verdict = await checkLink(place.root, path, target, text);
    if (verdict.kind === 'fine') continue;
    const { kind, message } = verdict;
    dead.push({ line, rule: LINK_RULE[kind], severity: LINK_SEVERITY[kind], message });
  }
  return dead;
}
