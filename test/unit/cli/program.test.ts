import { createBrokerProgram } from 'quorate-broker/cli';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { EXIT, EXIT_MEANING } from '../../../src/cli/shared/exit.ts';

const program = createProgram(() => undefined);
const broker = createBrokerProgram({ name: 'quorate broker', finish: () => undefined });
const own = program.commands.filter((command) => command.name() !== 'broker');
/** `dlq ls` and the like, by their full names. */
const commands = [program, ...[...own, broker].flatMap((command) => [command, ...command.commands])];
function nameOf(command: (typeof commands)[number]): string {
  const parent = command.parent === null || command.parent === program ? '' : `${nameOf(command.parent)} `;
  return parent + command.name().replace(/^quorate (?=broker$)/, '');
}

function helpOf(command: (typeof commands)[number]): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe.each(commands.map((command) => [nameOf(command), command] as const))(
  '%s --help',
  (name, command) => {
    const help = helpOf(command);

    it('has a purpose, exit codes and an example of its own', () => {
      expect(command.description()).toMatch(/\.$/);
      expect(help).toMatch(/Exit codes:\n {2}0 +done\n/);
      expect(help).toMatch(
        name === 'quorate' ? /Example:\n {2}quorate / : new RegExp(`Example:\\n {2}quorate ${name}\\b`),
      );
    });

    it('says the default of every option', () => {
      for (const option of command.options) {
        if (option.long === '--version' || option.long === '--yes') continue;
        const described = option.defaultValue !== undefined || /\(default: .+\)/.test(option.description);
        expect(described, `${name} ${option.flags}`).toBe(true);
      }
    });
  },
);

describe('exit codes', () => {
  it('are distinct and each has a meaning', () => {
    expect(new Set(Object.values(EXIT)).size).toBe(Object.keys(EXIT).length);
    expect(Object.keys(EXIT_MEANING)).toEqual(Object.keys(EXIT));
  });
});
