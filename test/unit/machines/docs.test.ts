// docs/patterns.md shows files that are type-checked with the tests and run here, and drawings that the machines give.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, toPromise } from 'xstate';
import { describeMachine } from '../../../src/actors/core/describe.ts';
import { toMermaid } from '../../../src/cli/commands/draw-mermaid.ts';
import { scatter } from '../../../src/machines/scatter.ts';
import { article } from './patterns-md/article.machine.ts';
import { booking } from './patterns-md/booking.machine.ts';
import { output } from './patterns-md/headline.example.ts';
import { headline } from './patterns-md/headline.machine.ts';
import { summaries } from './patterns-md/summaries.machine.ts';

const PAGE = readFileSync(new URL('../../../docs/patterns.md', import.meta.url), 'utf8');
const FOLDER = new URL('./patterns-md/', import.meta.url);

function blocks(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text]) => text ?? '',
  );
}

describe('docs/patterns.md', () => {
  it.each(readdirSync(FOLDER))('shows %s as it is', (file) => {
    expect(blocks('ts')).toContain(`// ${file}\n${readFileSync(new URL(file, FOLDER), 'utf8')}`);
  });

  it('shows no other code than these files and the registration', () => {
    const others = blocks('ts').filter((text) => !/^\/\/ \S+\.ts\n/.test(text));
    expect(others).toEqual([expect.stringContaining("export: 'booking'")]);
    expect(blocks('ts')).toHaveLength(readdirSync(FOLDER).length + 1);
  });

  it('draws the machines that it shows', () => {
    const drawings = [summaries, headline, booking].map((machine) => {
      const ref = { type: machine.id, module: 'file:///unused', export: machine.id, version: '1', path: [] };
      const { graph, definition } = describeMachine(machine, ref);
      return toMermaid(graph, definition);
    });
    expect(blocks('mermaid')).toEqual(drawings);
  });

  it('is right about what its examples do', async () => {
    expect(output).toMatchObject({ outcome: 'accepted', offer: 'Talks fail' });

    const agents = { summarize: () => ({ text: 's' }), skim: () => Promise.reject(new Error('too long')) };
    const read = summaries.provide({ actors: { 'quorate.scatter': scatter({ agents }) } });
    const pages = [{ url: 'a' }, { url: 'b' }, { url: 'c' }];
    const gathered = toPromise(createActor(read, { input: { items: pages } }).start());
    expect(await gathered).toMatchObject({ status: 'gathered', outcome: 'quorum', ok: 3 });

    const done = fromPromise(async () => null);
    const booked = booking.provide({
      actors: { bookFlight: done, bookHotel: fromPromise(() => Promise.reject(new Error('full'))) },
    });
    const undone = booked.provide({ actors: { cancelHotel: done, cancelFlight: done } });
    const trip = { from: 'here', to: 'there' };
    expect(await toPromise(createActor(undone, { input: trip }).start())).toMatchObject({
      status: 'compensated',
      compensated: ['hotel', 'flight'],
    });

    // Without stand-ins the child ends in error, and its parent goes on.
    expect(await toPromise(createActor(article, { input: { text: '...' } }).start())).toEqual({
      title: 'Untitled',
    });
  });
});
