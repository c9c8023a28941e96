// Calls and settings that open a door. Matched line by line: a reviewer's hint, not a proof.
import type { Severity } from '../protocol.ts';

interface RiskyCall {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly expression: RegExp;
  /** File name endings it applies to; without it, all code. */
  readonly only?: RegExp;
}

const SCRIPT = /\.[cm]?[jt]sx?$/;
const PYTHON = /\.py$/;
const CODE =
  /\.(?:[cm]?[jt]sx?|py|rb|php|go|java|cs|sh|bash|ya?ml|ps1|env)$|(?:^|\/)(?:Dockerfile|\.env[\w.]*)$/;

const CALLS: readonly RiskyCall[] = [
  {
    rule: 'eval',
    severity: 'medium',
    message: 'Text is run as code',
    expression: /(?<![\w.$#])(?:eval|new Function)\s*\(/,
    only: SCRIPT,
  },
  {
    rule: 'shell-interpolation',
    severity: 'high',
    message: 'A shell command is put together from values: use execFile with an argument list',
    expression:
      /(?<![\w.$])(?:(?:cp|childProcess|child_process)\.)?(?:exec|execSync)\s*\(\s*(?:`[^`]*\$\{|["'][^"']*["']\s*\+)/,
    only: SCRIPT,
  },
  {
    rule: 'shell-interpolation',
    severity: 'high',
    message: 'A shell command is put together from values: pass a list without shell=True',
    expression: /(?:os\.system\s*\(\s*f["']|subprocess\.\w+\(.*shell\s*=\s*True)/,
    only: PYTHON,
  },
  {
    rule: 'tls-disabled',
    severity: 'high',
    message: 'Certificates are not checked',
    expression:
      /rejectUnauthorized["']?\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED["'\]]*\s*[=:]\s*["']?0|verify\s*=\s*False|InsecureSkipVerify:\s*true|\bcurl\s[^|;]*(?:\s-k\b|--insecure)/,
  },
  {
    rule: 'raw-html',
    severity: 'low',
    message: 'Unescaped HTML is put into the page',
    expression: /\.(?:inner|outer)HTML\s*=(?!=)|dangerouslySetInnerHTML|document\.write\s*\(/,
    only: SCRIPT,
  },
  {
    rule: 'unsafe-load',
    severity: 'medium',
    message: 'Loading this data can run code',
    expression: /\bpickle\.loads?\s*\(|\byaml\.load\s*\((?!.*Safe)/,
    only: PYTHON,
  },
];

const COMMENT = /^\s*(?:\/\/|\*|\/\*|#(?!!))/;

export function findRiskyCalls(
  path: string,
  line: string,
): readonly Pick<RiskyCall, 'rule' | 'severity' | 'message'>[] {
  if (!CODE.test(path) || COMMENT.test(line)) return [];
  return CALLS.filter(({ only, expression }) => (only?.test(path) ?? true) && expression.test(line));
}
