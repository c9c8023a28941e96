// The inspector as the outside sees it: HTTP, the protocol of @statelyai/inspect, and its own page in a browser.
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createMachine } from 'xstate';
import type { Json } from '../../src/contract/json.ts';
import type { InspectedSnapshot } from '../../src/contract/ports.ts';
import { toCosts } from '../../src/contract/usage.ts';
import { createInspectorServer, type InspectorServer } from '../../src/inspector/server.ts';
import { SAMPLE } from '../kit/inspector-sample.ts';

/** Long enough for a busy machine; nothing waits longer than it must. */
const PATIENCE_MS = 60_000;
const poll: typeof expect.poll = (read) => expect.poll(read, { timeout: PATIENCE_MS });
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: PATIENCE_MS });

const REVIEW = { type: 'review', id: 'one' };
const SAGA: Json = {
  id: 'saga',
  initial: 'staging',
  states: { staging: { on: { STAGED: 'published' } }, published: { type: 'final' } },
};

const snapshot = (
  value: Json,
  context: Json = {},
  over: Partial<InspectedSnapshot> = {},
): InspectedSnapshot => ({
  status: 'active',
  value,
  context,
  tags: [],
  ...over,
});

let server: InspectorServer;
beforeEach(async () => {
  server = await createInspectorServer({ port: 0 });
});
afterEach(() => server.close());

function startReview(): void {
  server.sink.actor({ address: REVIEW, definition: SAMPLE, snapshot: snapshot('scanning', { files: 0 }) });
}

function stepTo(value: Json, context: Json, event: { type: string; [key: string]: Json }): void {
  server.sink.step({
    address: REVIEW,
    turn: 2,
    events: [{ event, value }],
    snapshot: snapshot(value, context),
  });
}

const WORKING = { working: { findings: 'gathering', plan: 'asking' } };

function startSaga(id: string): void {
  const address = { type: 'saga', id };
  server.sink.actor({ address, parent: REVIEW, definition: SAGA, snapshot: snapshot('staging') });
}

/** The package's type leaves out what the frame carries. */
type Frame = StatelyInspectionEvent & { readonly definition?: string; readonly parentId?: string };

function receive(): Frame[] {
  const frames: Frame[] = [];
  createWebSocketReceiver({ server: server.url.replace('http', 'ws') }).subscribe((frame) =>
    frames.push(frame),
  );
  return frames;
}

describe('a receiver of @statelyai/inspect', () => {
  it('that joins late gets each living actor once: a definition that createMachine accepts, and the snapshot', async () => {
    startReview();
    startSaga('a');
    stepTo(WORKING, { files: 812 }, { type: 'xstate.done.actor.scan' });
    const frames = receive();
    await eventually(() => expect(frames.filter(({ type }) => type === '@xstate.snapshot')).toHaveLength(2));
    const actors = frames.filter(({ type }) => type === '@xstate.actor');
    expect(actors.map(({ sessionId }) => sessionId).toSorted()).toEqual(['review/one', 'saga/a']);
    for (const { definition } of actors) {
      expect(() => createMachine(JSON.parse(definition ?? '')).root.states).not.toThrow();
    }
    const states = frames.filter(({ type }) => type === '@xstate.snapshot');
    expect(states.find(({ sessionId }) => sessionId === 'review/one')).toMatchObject({
      snapshot: snapshot(WORKING, { files: 812 }),
    });
  });

  it('sees who belongs to whom, and each step as it happens', async () => {
    const frames = receive();
    startReview();
    startSaga('a');
    await eventually(() => expect(frames.map(({ sessionId }) => sessionId)).toContain('saga/a'));
    stepTo(WORKING, {}, { type: 'PROGRESS', done: 3 });
    await eventually(() => expect(frames.at(-1)?.sessionId).toBe('review/one'));
    await eventually(() => expect(frames.map(({ type }) => type)).toContain('@xstate.event'));
    const saga = frames.find(({ type, sessionId }) => type === '@xstate.actor' && sessionId === 'saga/a');
    expect(saga).toMatchObject({ parentId: 'review/one', rootId: 'review/one' });
    expect(frames.find(({ type }) => type === '@xstate.event')).toMatchObject({
      sessionId: 'review/one',
      event: { type: 'PROGRESS', done: 3 },
    });
  });
});

/** `fetch` does not let one set Host. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const asked = request(new URL(path, server.url), { method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
      });
      asked.on('error', reject).end();
    },
  );
}

describe('the port', () => {
  it('is on the loopback interface', () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
  });

  it('serves the page without anything from elsewhere', async () => {
    const { status, body, headers } = await get('/');
    expect(status).toBe(200);
    expect(body.match(/https?:\/\/[^\s'"]+/g)).toEqual(['http://www.w3.org/2000/svg']);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('draws a machine as SVG, and by the definition of the actor asked for', async () => {
    startReview();
    expect((await get('/machines/review.svg')).body).toContain('data-path="working/plan/asking"');
    server.sink.actor({
      address: { type: 'review', id: 'two' },
      definition: SAGA,
      snapshot: snapshot('staging'),
    });
    expect((await get('/machines/review.svg')).body).toContain('data-path="staging"');
    expect((await get('/machines/review.svg?actor=review%2Fone')).body).toContain('data-path="working"');
    expect((await get('/machines/other.svg')).status).toBe(404);
  });

  it.each([
    ['another Host', '/', { host: 'evil.example' }, 'GET', 403],
    ['another Origin', '/', { origin: 'https://evil.example' }, 'GET', 403],
    ['a method that changes', '/', {}, 'POST', 405],
    ['an unknown path', '/etc/passwd', {}, 'GET', 404],
    ['a path upwards', '/machines/..%2fx.svg', {}, 'GET', 404],
  ])('refuses %s', async (_, path, headers, method, status) => {
    expect((await get(path, headers, method)).status).toBe(status);
  });

  it.each([
    ['another Origin', { origin: 'https://evil.example' }, false],
    ['another Host', { headers: { host: 'evil.example' } }, false],
    ['its own page', {}, true],
  ])('answers a WebSocket of %s as it should', async (_, options, allowed) => {
    const socket = new WebSocket(server.url.replace('http', 'ws'), options);
    const outcome = await new Promise<boolean>((resolve) => {
      socket.on('open', () => resolve(true)).on('error', () => resolve(false));
    });
    expect(outcome).toBe(allowed);
    socket.terminate();
  });

  it('cuts a viewer that talks much', async () => {
    const socket = new WebSocket(server.url.replace('http', 'ws'));
    const closed = new Promise((resolve) => {
      socket.on('close', resolve);
    });
    socket.on('open', () => socket.send('x'.repeat(10_000)));
    await closed;
  });

  it('says so when it is in use', async () => {
    const port = Number(new URL(server.url).port);
    await expect(createInspectorServer({ port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('inspectorPort'),
    });
  });
});

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

describe('the page', () => {
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    if (!existsSync(CHROMIUM)) {
      throw new Error(
        `no Chromium at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM_PATH to a browser`,
      );
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    problems.length = 0;
    page = await browser.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (asked) => {
      if (new URL(asked.url()).origin !== new URL(server.url).origin && !asked.url().startsWith('data:')) {
        problems.push(`asked for ${asked.url()}`);
      }
    });
    await page.goto(server.url);
    await page.waitForSelector('.link.live');
  });
  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const current = () =>
    page
      .locator('.state.current')
      .evaluateAll((states) => states.map((state) => state.getAttribute('data-path')));

  it('says what to do while there are no actors', async () => {
    await poll(() => page.locator('#empty').innerText()).toContain('client.start(');
  });

  it('lists an actor, draws its machine, lights its state and follows each step', async () => {
    startReview();
    await page.waitForSelector('.actor[data-id="review/one"]');
    await page.waitForSelector('.state.current');
    expect(await current()).toEqual(['scanning']);
    expect(await page.locator('.state').count()).toBe(11);
    stepTo(WORKING, { files: 812 }, { type: 'xstate.done.actor.scan', output: { files: 812 } });
    await poll(current).toEqual(['working/findings/gathering', 'working/plan/asking']);
    expect(await page.locator('.edge.last').first().getAttribute('data-event')).toBe(
      'xstate.done.actor.scan',
    );
    await poll(() => page.locator('#panel').innerText()).toContain('files: 812');
    await page.click('#tab-events');
    await page.click('.events summary');
    await expect
      .poll(() => page.locator('#panel').innerText())
      .toMatch(/xstate\.done\.actor\.scan[^]*output/);
    expect(await page.locator('.events time').innerText()).toMatch(/^\d\d:\d\d:\d\d/);
  });

  it('shows what is streamed while it comes, from whom, and what was used', async () => {
    const total = { inputTokens: 300, outputTokens: 40, cachedInputTokens: 0, reasoningTokens: 0 };
    const costs = toCosts(
      [{ agent: 'a', model: 'm', calls: 2, microUsd: 1_150, unpricedCalls: 0, ...total }],
      false,
    );
    const rest = Promise.withResolvers<void>();
    const source = { actor: 'review.planning/c', child: 'offers', branch: 1, attempt: 1, offset: '' };
    server.readStreams(async function* () {
      yield { kind: 'piece', ...source, n: 0, value: '<b>Once' };
      await rest.promise;
      yield { kind: 'piece', ...source, n: 1, value: ' upon</b>' };
      yield { kind: 'ended', ...source };
    });
    startReview();
    server.sink.step({ address: REVIEW, turn: 2, events: [], snapshot: snapshot('scanning'), costs });
    await page.click('#tab-stream');
    await poll(() => page.locator('.said pre').innerText()).toBe('<b>Once');
    expect(await page.locator('.said h4').innerText()).toContain('offers 1');
    expect(await page.locator('.said h4').innerText()).toContain('review.planning/c');
    await poll(() => page.locator('#facts').innerText()).toContain(
      '2 calls · 300 tokens in · 40 out · $0.001150',
    );
    rest.resolve();
    await poll(() => page.locator('.said').innerText()).toContain('It has ended.');
    expect(await page.locator('.said pre').innerText()).toBe('<b>Once upon</b>');
  });

  it('shows an end with its output, and an error', async () => {
    startReview();
    server.sink.step({
      address: REVIEW,
      turn: 9,
      events: [{ event: { type: 'xstate.done.state.review.working' }, value: 'done' }],
      snapshot: snapshot('done', {}, { status: 'done', output: { report: 'out/report.md' } }),
    });
    await page.waitForSelector('#facts .pill.done');
    await page.click('#tab-output');
    await poll(() => page.locator('#panel').innerText()).toContain('out/report.md');
    server.sink.step({
      address: REVIEW,
      turn: 10,
      events: [],
      snapshot: snapshot('failed', {}, { status: 'error', error: { code: 'TASK_FAILED', message: 'no' } }),
    });
    await poll(() => page.locator('#tab-output').innerText()).toBe('Error');
    await poll(() => page.locator('#panel').innerText()).toContain('TASK_FAILED');
  });

  it('leads from a parent to its child and back, by keyboard too', async () => {
    startReview();
    startSaga('a');
    await page.click('.family .chip');
    await poll(() => page.locator('#title').innerText()).toBe('saga/a');
    await poll(current).toEqual(['staging']);
    expect(page.url()).toContain('#saga%2Fa');
    await page.locator('.family .chip').focus();
    await page.keyboard.press('Enter');
    await poll(() => page.locator('#title').innerText()).toBe('review/one');
    await page.keyboard.press('/');
    await page.keyboard.type('staging');
    await poll(() => page.locator('.actor').count()).toBe(1);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await poll(() => page.locator('#title').innerText()).toBe('saga/a');
  });

  it('filters by type and status, and stays usable with thousands', async () => {
    startReview();
    for (let n = 0; n < 2_000; n += 1) startSaga(`s${n}`);
    await poll(() => page.locator('#more').innerText()).toMatch(/^1701 more/);
    await page.selectOption('#type', 'review');
    await poll(() => page.locator('.actor').count()).toBe(1);
    await page.selectOption('#status', 'done');
    await poll(() => page.locator('#more').innerText()).toBe('No actor matches the filter.');
  });

  it('treats what machines and events say as text', async () => {
    startReview();
    const nasty = '<img src=x onerror=alert(1)>';
    stepTo(WORKING, { nasty }, { type: nasty });
    await poll(() => page.locator('#panel').innerText()).toContain(nasty);
    await page.click('#tab-events');
    await poll(() => page.locator('#panel').innerText()).toContain(nasty);
    expect(await page.locator('img').count()).toBe(0);
  });

  it('shows that the process is gone, and takes up again when it is back', async () => {
    startReview();
    await page.waitForSelector('.state.current');
    const port = Number(new URL(server.url).port);
    await server.close();
    await page.waitForSelector('.link.lost');
    server = await createInspectorServer({ port });
    startSaga('after');
    await page.waitForSelector('.actor[data-id="saga/after"]');
    expect(await page.locator('.actor').count()).toBe(1);
    // The browser itself reports every refused connection.
    problems.splice(
      0,
      problems.length,
      ...problems.filter((text) => !text.includes('ERR_CONNECTION_REFUSED')),
    );
  });
});
