// The console's page in a browser, against a console that is served: each view without violations of axe in light, dark and on a phone; the keys;
// an action; and its policy, which nothing may break.
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Console } from '../../src/console/console.ts';
import { serveConsole, TOKENS } from '../kit/console.ts';
import { app, startRuntime, type TestRuntime } from '../kit/runtime.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const PATIENCE_MS = 60_000;
const poll: typeof expect.poll = (read) => expect.poll(read, { timeout: PATIENCE_MS });

let test: TestRuntime<never>;
let served: Console;
let browser: Browser;
/** Its policy is off, for axe alone. */
let axed: Page;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(
      `no Chromium at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM_PATH to a browser`,
    );
  test = await startRuntime<never>({
    machines: {
      counter: app('counter.machine.ts', 'counter'),
      approval: app('approval.machine.ts', 'approval'),
    },
    agents: { write: { run: async (topic: string) => `about ${topic}` } },
    index: true,
  } as never);
  served = await serveConsole(test.data, { basePath: '/base' });
  const { client } = test.runtime as unknown as { client: Clients };
  await Promise.all(Array.from({ length: 60 }, (_, n) => client.start('counter', { id: `c-${n}` })));
  await client.send('counter', 'c-1', { type: 'add', by: 2 });
  await client.send('counter', 'c-2', { type: 'finish' });
  await client.send('counter', 'c-3', { type: 'boom' });
  await client.start('approval', { id: 'one', input: { topic: 'rain' } });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  axed = await openPage(await browser.newContext({ bypassCSP: true }));
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
  await test?.[Symbol.asyncDispose]();
});

interface Clients {
  start(type: string, options: object): Promise<unknown>;
  send(type: string, id: string, event: object): Promise<void>;
}

const problems: string[] = [];

async function openPage(context: BrowserContext, query = '', token = TOKENS.admin): Promise<Page> {
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (asked) => {
    if (new URL(asked.url()).origin !== new URL(served.url).origin && !asked.url().startsWith('data:'))
      problems.push(`asked for ${asked.url()}`);
  });
  await page.goto(`${served.url}?${query}#token=${token}`);
  await page.waitForSelector('.connection.live');
  return page;
}

/** The view, and what is there when it is read. */
const VIEWS: readonly (readonly [query: string, ready: string])[] = [
  ['', '.group'],
  ['view=actors', '.grid-body .grid-row'],
  ['view=actors&shown=done&type=counter', '.grid-body .grid-row'],
  ['actor=counter/c-1', '.state.current'],
  ['view=machines', '.state'],
  ['view=processes', '.process'],
  ['view=letters', '.group'],
  ['view=questions', '.question'],
  ['view=costs', '.empty, table'],
];

describe('the page of the console', () => {
  it.each(VIEWS)(
    'has no violations of axe at ?%s, light, dark and on a phone, and is no wider than its window',
    async (query, ready) => {
      await axed.goto(`${served.url}?${query}`);
      await axed.waitForSelector(ready, { timeout: PATIENCE_MS });
      await axed.addScriptTag({ content: axe.source });
      for (const width of [1440, 375]) {
        await axed.setViewportSize({ width, height: 900 });
        for (const colorScheme of ['light', 'dark'] as const) {
          await axed.emulateMedia({ colorScheme });
          // The scheme changes colours alone.
          const rules = colorScheme === 'light' ? '' : `{ runOnly: ['color-contrast'] }`;
          const found =
            await axed.evaluate(`axe.run(${rules}).then(({ violations }) => violations.map(({ id, nodes }) =>
          id + ': ' + nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary).join(' | ')))`);
          expect(found, `${colorScheme} at ${width}`).toEqual([]);
        }
        expect(await axed.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(
          0,
        );
      }
    },
  );

  it('is walked by keyboard: to the list, through it, into an actor and back', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await openPage(context);
    await page.waitForSelector('.group');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.waitForSelector('.grid-body .grid-row');
    expect(await page.locator('.grid').getAttribute('aria-rowcount')).toBe('62');
    expect(await page.locator('.grid-body .grid-row').count()).toBeLessThan(50);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    const chosen = await page.locator('[aria-selected=true]').innerText();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.actor-head');
    expect(chosen).toContain((await page.locator('.actor-head h1').innerText()).split('/')[1]);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.grid');
    await page.keyboard.press('/');
    await page.keyboard.type('c-1?jk');
    expect(await page.locator('input[type=search]').inputValue()).toBe('c-1?jk');
    expect(await page.locator('dialog').count()).toBe(0);
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Enter');
    await poll(() => new URL(page.url()).searchParams.get('text')).toBe('c-1');
    await poll(() => page.locator('.grid').getAttribute('aria-rowcount')).toBe('12');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await poll(() => page.locator('dialog').count()).toBe(0);
    await context.close();
    expect(problems).toEqual([]);
  });

  it('goes through the turns of an actor, sends it an event, and follows it', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await openPage(context, 'actor=counter/c-1');
    await page.waitForSelector('.state.current');
    expect(page.url()).not.toContain(TOKENS.admin);
    await page.locator('input[type=range]').press('ArrowLeft');
    await poll(() => new URL(page.url()).searchParams.get('turn')).toBe('1');
    expect(await page.locator('input[type=range]').getAttribute('aria-valuetext')).toContain('xstate.init');
    await page.getByRole('button', { name: 'To the latest turn' }).click();
    await page.getByRole('button', { name: 'Send an event' }).click();
    await page.locator('dialog input').fill('finish');
    expect(await page.locator('dialog .line').innerText()).toBe(
      `quorate actors send counter/c-1 '{"type":"finish"}'`,
    );
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.waitForSelector('.actor-head .status.done', { timeout: PATIENCE_MS });
    await poll(() => page.locator('.edge.last').first().getAttribute('data-event')).toBe('finish');
    expect(await page.getByRole('button', { name: 'Cancel' }).getAttribute('aria-disabled')).toBe('true');
    await page.getByText('Context now').click();
    await poll(() => page.locator('.json').first().innerText()).toContain('count: 2');
    await context.close();
    expect(problems).toEqual([]);
  });

  it('tells of new actors by a button, and lets a reader do nothing', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await openPage(context, 'view=actors', TOKENS.reader);
    await page.waitForSelector('.grid-body .grid-row');
    await (test.runtime as unknown as { client: Clients }).client.start('counter', { id: 'late' });
    await page.getByRole('button', { name: '1 new' }).click();
    await poll(() => page.locator('.grid-row').nth(1).innerText()).toContain('late');
    await page.locator('.grid-row').nth(1).click();
    // A person can press what is dashed, and is told why.
    await page.getByRole('button', { name: 'Send an event' }).click({ force: true });
    await poll(() => page.locator('dialog').innerText()).toContain('Needs the role operator');
    await context.close();
    expect(problems).toEqual([]);
  });
});
