// What each rule asks for: the title of the work, the minutes one finding takes, and why it is worth them.

export interface RuleWork {
  readonly title: string;
  readonly minutes: number;
  readonly why: string;
}

const RULES: Readonly<Record<string, RuleWork>> = {
  'private-key': {
    title: 'Take private keys out and replace them',
    minutes: 120,
    why: 'whoever reads the code can act as you',
  },
  'known-token': {
    title: 'Revoke tokens and read them from outside',
    minutes: 60,
    why: 'whoever reads the code can use them',
  },
  'connection-string': {
    title: 'Take passwords out of connection strings',
    minutes: 60,
    why: 'whoever reads the code reaches the data',
  },
  'hardcoded-secret': {
    title: 'Move secrets out of the code',
    minutes: 45,
    why: 'a secret in the code is no secret and cannot be changed',
  },
  'high-entropy': { title: 'Look at long random tokens', minutes: 10, why: 'some of them may be secrets' },
  'shell-interpolation': {
    title: 'Stop building shell commands from values',
    minutes: 40,
    why: 'a value can become a command',
  },
  'tls-disabled': {
    title: 'Check certificates again',
    minutes: 30,
    why: 'anybody on the way can read and change the traffic',
  },
  eval: { title: 'Stop running text as code', minutes: 60, why: 'text from outside can become code' },
  'unsafe-load': {
    title: 'Load data with a safe loader',
    minutes: 30,
    why: 'data from outside can become code',
  },
  'raw-html': { title: 'Escape HTML before it is shown', minutes: 20, why: 'a value can become a script' },
  'complex-function': {
    title: 'Take complex functions apart',
    minutes: 90,
    why: 'they are hard to test and easy to break',
  },
  'long-function': { title: 'Shorten long functions', minutes: 45, why: 'they are hard to read' },
  'deep-nesting': { title: 'Flatten deeply nested code', minutes: 30, why: 'it is hard to follow' },
  unparsable: { title: 'Look at files that do not parse', minutes: 20, why: 'no tool can check them' },
  'dead-link': { title: 'Repair dead links', minutes: 5, why: 'readers are sent nowhere' },
  'dead-anchor': {
    title: 'Repair links to missing headings',
    minutes: 5,
    why: 'readers land at the wrong place',
  },
  'link-outside': {
    title: 'Replace links that leave the folder',
    minutes: 5,
    why: 'they break when the folder moves',
  },
  'overdue-note': { title: 'Settle overdue notes', minutes: 30, why: 'the day they were due has passed' },
  'orphan-note': {
    title: 'Give notes an owner or an issue',
    minutes: 10,
    why: 'nobody will come back to them',
  },
  'world-writable': {
    title: 'Narrow file permissions',
    minutes: 5,
    why: 'any program on the machine can change them',
  },
  'needless-execute': {
    title: 'Drop needless execute permissions',
    minutes: 2,
    why: 'they cannot be run anyway',
  },
  'large-file': { title: 'Split or move large files', minutes: 60, why: 'nobody reads them' },
  'empty-file': { title: 'Fill or remove empty files', minutes: 2, why: 'they say nothing' },
};

export function workOf(rule: string): RuleWork {
  return RULES[rule] ?? { title: `Settle ${rule}`, minutes: 30, why: 'a reviewer asked for it' };
}
