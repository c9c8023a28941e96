// `quorate doctor`: does the Service Bus of this configuration have what it needs?
import type { Command } from 'commander';
import { loadConfig } from '../../config/resolve.ts';
import type { Finding } from '../../contract/runtime.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption, withFlags } from '../shared/options.ts';
import { createTerminal } from '../shared/terminal.ts';
import { DEFAULT_CONFIG } from './start.ts';

interface DoctorOptions {
  readonly config: string;
  readonly data?: string;
  readonly json?: true;
}

export function addDoctorCommand(program: Command, finish: Finish): void {
  const command = program
    .command('doctor')
    .description(
      'Check the Service Bus of your configuration: reach, rights, tier, entities, clock, fencing.',
    )
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .addOption(dataOption())
    .option('--json', 'as JSON (default: off)')
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate doctor --config quorate.config.ts',
  }).action(async (options: DoctorOptions) => finish(await doctor(options)));
}

const PAINT = { ok: 'green', wrong: 'red', unknown: 'yellow' } as const;

async function doctor({ config: file, data, json }: DoctorOptions): Promise<ExitCode> {
  const terminal = createTerminal();
  const config = await loadConfig(file);
  const { diagnose } = await import('../../runtime/doctor.ts');
  const findings: Finding[] = [];
  for await (const finding of diagnose(config, withFlags(process.env, data === undefined ? {} : { data }))) {
    findings.push(finding);
    if (json) continue;
    const { check, status, text, fix } = finding;
    const mark = terminal.paint(PAINT[status], status.padEnd(7));
    terminal.line(`${mark} ${check.padEnd(9)} ${text}${fix === undefined ? '' : `; ${fix}`}`);
  }
  if (json) console.log(JSON.stringify(findings, undefined, 2));
  return findings.some(({ status }) => status === 'wrong') ? EXIT.failed : EXIT.done;
}
