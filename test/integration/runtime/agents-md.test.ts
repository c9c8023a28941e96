// docs/agents.md shows these files as they are, and says rightly what they do.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startRuntime } from '../../kit/runtime.ts';
import { config } from './agents-md/story.config.ts';

const page = readFileSync(new URL('../../../docs/agents.md', import.meta.url), 'utf8');
const folder = new URL('./agents-md/', import.meta.url);

describe('docs/agents.md', () => {
  it('shows these files and no other code', () => {
    const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text]) => text);
    const files = readdirSync(folder).map(
      (name) => `// ${name}\n${readFileSync(new URL(name, folder), 'utf8')}`,
    );
    expect(new Set(shown)).toEqual(new Set(files));
  });

  it('is right about them: pieces come before the answer, and a final error is not retried', async () => {
    await using host = await startRuntime(config);
    const { client } = host.runtime;
    const output = await client.run('story', { id: 'fox', input: { topic: 'fox' } });
    expect(output).toEqual({
      pieces: 4,
      text: expect.objectContaining({ bytes: '"Once upon a fox"'.length }),
    });
    expect(await client.run('story', { id: 'none', input: { topic: '' } })).toEqual({
      pieces: 0,
      text: null,
    });
    expect(host.runtime.counters().agents['write']).toMatchObject({ started: 2 });
  });
});
