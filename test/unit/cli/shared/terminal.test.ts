import { describe, expect, it } from 'vitest';
import { createTerminal } from '../../../../src/cli/shared/terminal.ts';

function capture(shape: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  return { output: { ...shape, write: (text: string) => written.push(text) }, text: () => written.join('') };
}

const CONTROL = /[^\P{Cc}\n]/u;

describe('without a terminal', () => {
  it('writes lines only: no status, no control character, no colour', () => {
    const { output, text } = capture();
    const terminal = createTerminal(output, {});
    terminal.status('half way');
    terminal.line(terminal.paint('green', 'done'));
    expect(text()).toBe('done\n');
    expect(text()).not.toMatch(CONTROL);
  });
});

describe('on a terminal', () => {
  it('redraws the status in place and clears it for a line', () => {
    const { output, text } = capture({ isTTY: true });
    const terminal = createTerminal(output, { NO_COLOR: '1' });
    terminal.status('1/2');
    terminal.status('1/2');
    terminal.status('2/2');
    terminal.line('done');
    expect(text()).toBe('\r\u001b[K1/2\r\u001b[K2/2\r\u001b[Kdone\n');
  });

  it('makes way for others, and draws the status again', () => {
    const { output, text } = capture({ isTTY: true });
    const terminal = createTerminal(output, {});
    terminal.clear();
    terminal.status('1/2');
    terminal.clear();
    terminal.status('1/2');
    expect(text()).toBe('\r\u001b[K1/2\r\u001b[K\r\u001b[K1/2');
  });

  it.each([
    [10, 9],
    [0, 79],
  ])('cuts a status that would wrap in %i columns', (columns, shown) => {
    const { output, text } = capture({ isTTY: true, columns });
    createTerminal(output, {}).status('x'.repeat(100));
    expect(text()).toBe(`\r\u001b[K${'x'.repeat(shown)}`);
  });

  it.each([
    ['colours', {}, true],
    ['honours NO_COLOR', { NO_COLOR: '1' }, false],
    ['ignores an empty NO_COLOR', { NO_COLOR: '' }, true],
    ['expects nothing of a dumb terminal', { TERM: 'dumb' }, false],
  ])('%s', (_name, env, colored) => {
    const terminal = createTerminal(capture({ isTTY: true }).output, env);
    expect(terminal.paint('red', 'x')).toBe(colored ? '\u001b[31mx\u001b[39m' : 'x');
  });
});
