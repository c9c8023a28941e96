import { describe, expect, it } from 'vitest';
import { createLetterLog, type LoggedLetter } from '../../../../src/actors/agents/letter-log.ts';

type Line = readonly [level: string, message: string, fields: Readonly<Record<string, unknown>> | undefined];

function setUp() {
  const lines: Line[] = [];
  const clock = { now: () => time };
  let time = 1_000_000;
  const to = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push([level, message, fields]);
  const logger = { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') };
  const log = createLetterLog(logger, clock);
  return { lines, log, pass: (ms: number) => void (time += ms) };
}

const absent = (sessionId: string, more: Partial<LoggedLetter> = {}): LoggedLetter => ({
  entity: 'actor.m',
  sessionId,
  number: 7,
  error: { code: 'ACTOR_NOT_FOUND', message: `no actor m/${sessionId}` },
  handled: false,
  ...more,
});

describe('the log of dead letters', () => {
  it('has a line for each that is not for nobody', () => {
    const { lines, log } = setUp();
    const failed = { ...absent('1'), entity: 'agent.a', error: { code: 'E', message: 'no' } };
    log(failed);
    log(failed);
    expect(lines).toEqual([
      ['warn', 'dead letter in agent.a: no', { code: 'E', number: 7 }],
      ['warn', 'dead letter in agent.a: no', { code: 'E', number: 7 }],
    ]);
  });

  it('has one line for an absent actor and minute, which says how many there were before it', () => {
    const { lines, log, pass } = setUp();
    for (let n = 0; n < 500; n++) log(absent('1'));
    log(absent('2'));
    expect(lines.map(([, , fields]) => fields?.['actor'])).toEqual(['m/1', 'm/2']);
    pass(60_000);
    log(absent('1'));
    log(absent('1'));
    expect(lines).toHaveLength(3);
    expect(lines[2]).toEqual([
      'warn',
      'an event for nobody: no actor m/1',
      { code: 'ACTOR_NOT_FOUND', number: 7, actor: 'm/1', unsaid: 499 },
    ]);
  });

  it('has a bounded number of lines, however many actors are absent', () => {
    const { lines, log, pass } = setUp();
    for (let n = 0; n < 5_000; n++) log(absent(`a${n}`));
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)?.[2]).toMatchObject({ actor: 'further actors' });
    pass(60_000);
    log(absent('one more'));
    expect(lines.at(-1)?.[2]).toMatchObject({ actor: 'm/one more' });
  });

  it('says of what needs nobody that it is for information', () => {
    const { lines, log } = setUp();
    log(absent('1', { handled: true }));
    expect(lines[0]?.[0]).toBe('info');
  });
});
