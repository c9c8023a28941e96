// Whether a written document is what it should be: JSON of its schema, Markdown whose links lead somewhere.
import { dirname, join, parse } from 'node:path';
import { z } from 'zod';
import { checkLink } from '../lib/link-check.ts';
import { linksOf } from '../lib/markdown.ts';
import { reportSchema } from './schema.ts';

/** Says what is wrong; undefined when nothing is. `folder` is where the document lies now. */
export async function checkDocument(name: string, text: string, folder: string): Promise<string | undefined> {
  if (name.endsWith('.md')) return checkMarkdown(join(folder, name), text);
  const schema = name === 'report.json' ? reportSchema : reportSchema.shape.plan;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? undefined : `does not fit its schema: ${z.prettifyError(parsed.error)}`;
  } catch {
    return 'is not JSON';
  }
}

/** The staging folder lies beside the target, so that relative links mean the same in both. */
async function checkMarkdown(path: string, text: string): Promise<string | undefined> {
  for (const { target } of linksOf(text)) {
    const verdict = await checkLink(parse(dirname(path)).root, path, target, text);
    if (verdict.kind === 'dead-link' || verdict.kind === 'dead-anchor')
      return `has a dead link: ${verdict.message}`;
  }
  return undefined;
}
